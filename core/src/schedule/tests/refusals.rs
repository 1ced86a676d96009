//! What is refused, each by its name and with what to do instead; and what only looks as if it should be.

use super::super::{Sampler, SamplerRequest, Schedule, ScheduleError, Sigmas, Spacing};
use super::{file, request};

/// Every part must be in the message.
fn says(result: Result<impl std::fmt::Debug, ScheduleError>, parts: &[&str]) {
    let message = result.expect_err("refused").to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

fn with(class: &str, fields: &str, request: &SamplerRequest) -> Result<Schedule, ScheduleError> {
    Schedule::new(&file(class, fields).unwrap(), request)
}

const DPM: &str = "DPMSolverMultistepScheduler";
const EULER: &str = "EulerDiscreteScheduler";
const ZERO_SNR: &str = r#""rescale_betas_zero_snr": true, "prediction_type": "v_prediction""#;

#[test]
fn clipping_and_thresholding_where_the_file_states_them() {
    for class in ["DDIMScheduler", "LCMScheduler"] {
        says(file(class, r#""clip_sample": true"#), &["`clip_sample: true`"]);
    }
    for class in ["DDIMScheduler", "LCMScheduler", DPM] {
        says(file(class, r#""thresholding": true"#), &["`thresholding: true`"]);
    }
    // Not stated (DDIM's class default would clip), stated false, or carried along by a class that does not read it.
    file("DDIMScheduler", "").unwrap();
    file("DDIMScheduler", r#""clip_sample": false, "thresholding": false"#).unwrap();
    file(EULER, r#""clip_sample": true, "thresholding": true"#).unwrap();
}

#[test]
fn what_changes_the_model() {
    says(file(DPM, r#""variance_type": "learned_range""#), &["`variance_type: learned_range`"]);
    says(file(DPM, r#""variance_type": "learned""#), &["`variance_type: learned`"]);
    says(file(EULER, r#""trained_betas": [0.1, 0.2]"#), &["`trained_betas`"]);
    says(file(DPM, r#""use_flow_sigmas": true"#), &["flow matching"]);
    says(file(DPM, r#""prediction_type": "flow_prediction""#), &["flow_prediction"]);
    says(file(EULER, r#""timestep_type": "continuous""#), &["`timestep_type: continuous`"]);
    says(
        file(EULER, r#""beta_schedule": "squaredcos_cap_v2""#),
        &["squaredcos_cap_v2", "linear, scaled_linear"],
    );
    says(file(EULER, r#""some_new_option": 3"#), &["`some_new_option: 3`"]);
    file(EULER, r#""some_new_option": false, "other": null, "_private": 1"#).unwrap();
}

#[test]
fn options_of_the_files_own_sampler() {
    for (fields, part) in [
        (r#""solver_order": 3"#, "`solver_order: 3`"),
        (r#""solver_order": 1"#, "`solver_order: 1`"),
        (r#""solver_type": "heun""#, "`solver_type: heun`"),
        (r#""algorithm_type": "sde-dpmsolver++""#, "`algorithm_type: sde-dpmsolver++`"),
        (r#""use_dynamic_shifting": true"#, "`use_dynamic_shifting: true`"),
        (r#""lambda_min_clipped": -5.1"#, "`lambda_min_clipped: -5.1`"),
    ] {
        says(with(DPM, fields, &request(Sampler::Dpmpp2m, 10)), &[part, "ask for another sampler"]);
        with(DPM, fields, &request(Sampler::Euler, 10)).unwrap();
    }
    let fields = r#""interpolation_type": "log_linear""#;
    says(with(EULER, fields, &request(Sampler::Euler, 10)), &["`interpolation_type: log_linear`"]);
    with(EULER, fields, &request(Sampler::Dpmpp2m, 10)).unwrap();
}

#[test]
fn other_sigmas_unless_the_request_names_its_own() {
    for option in ["use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"] {
        let fields = format!(r#""{option}": true"#);
        let plain = request(Sampler::Dpmpp2m, 10);
        says(with(DPM, &fields, &plain), &[option, "`default` or `karras`"]);
        with(DPM, &fields, &SamplerRequest { sigmas: Some(Sigmas::Default), ..plain }).unwrap();
        with(DPM, &fields, &request(Sampler::Ddim, 10)).unwrap();
    }
}

#[test]
fn combinations_that_diffusers_does_not_have_either() {
    let sample = r#""prediction_type": "sample""#;
    says(with(EULER, sample, &request(Sampler::EulerA, 10)), &["euler_a with prediction_type `sample`"]);
    for sampler in Sampler::ALL {
        let plain = request(sampler, 10);
        let epsilon = r#""rescale_betas_zero_snr": true"#;
        says(with(EULER, epsilon, &plain), &["rescale_betas_zero_snr with prediction_type `epsilon`"]);
        let karras = SamplerRequest { sigmas: Some(Sigmas::Karras), ..plain.clone() };
        if sampler.has_karras() {
            says(with(EULER, ZERO_SNR, &karras), &["karras sigmas with rescale_betas_zero_snr"]);
            let stated = format!(r#"{ZERO_SNR}, "use_karras_sigmas": true"#);
            says(with(EULER, &stated, &plain), &["karras sigmas with rescale_betas_zero_snr"]);
        } else {
            says(with(EULER, "", &karras), &[&format!("karras sigmas with {sampler}"), "euler and dpmpp_2m"]);
            with(EULER, r#""use_karras_sigmas": true"#, &plain).unwrap();
        }
        let eta = SamplerRequest { eta: 0.5, ..plain };
        if sampler != Sampler::Ddim {
            says(with(EULER, "", &eta), &[&format!("eta 0.5 with {sampler}"), "only ddim"]);
        }
    }
    let spaced = SamplerRequest { spacing: Some(Spacing::Trailing), ..request(Sampler::Lcm, 4) };
    says(with("LCMScheduler", "", &spaced), &["a timestep spacing with lcm"]);
}

#[test]
fn numbers_out_of_range() {
    for (steps, fields, most) in
        [(0, "", 256), (257, "", 256), (10_000, "", 256), (101, r#""num_train_timesteps": 100"#, 100)]
    {
        let result = with(DPM, fields, &request(Sampler::Dpmpp2m, steps));
        assert_eq!(result, Err(ScheduleError::Steps { steps, sampler: "dpmpp_2m", most }));
    }
    let lcm = with("LCMScheduler", "", &request(Sampler::Lcm, 51));
    assert_eq!(lcm, Err(ScheduleError::Steps { steps: 51, sampler: "lcm", most: 50 }));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let guided = SamplerRequest { guidance: bad, ..request(Sampler::Ddim, 4) };
        says(with(DPM, "", &guided), &["guidance is", "finite"]);
        let eta = SamplerRequest { eta: bad, ..request(Sampler::Ddim, 4) };
        says(with(DPM, "", &eta), &["eta is", "from 0"]);
        for interval in [(bad, 1.0), (0.0, bad)] {
            let guidance_interval = interval;
            says(
                with(DPM, "", &SamplerRequest { guidance_interval, ..request(Sampler::Ddim, 4) }),
                &["interval"],
            );
        }
    }
    for guidance_interval in [(0.6, 0.5), (-0.1, 1.0), (0.0, 1.1)] {
        says(
            with(DPM, "", &SamplerRequest { guidance_interval, ..request(Sampler::Ddim, 4) }),
            &["0 <= start"],
        );
    }
    for eta in [-0.1, 1.1] {
        says(with(DPM, "", &SamplerRequest { eta, ..request(Sampler::Ddim, 4) }), &["eta is"]);
    }
}

#[test]
fn steps_that_do_not_fit_the_training_schedule() {
    let beyond = r#""steps_offset": 30, "timestep_spacing": "leading", "num_train_timesteps": 100"#;
    for sampler in [Sampler::Ddim, Sampler::Euler, Sampler::EulerA, Sampler::Dpmpp2m] {
        says(with("DDIMScheduler", beyond, &request(sampler, 10)), &["step 0", "steps_offset"]);
    }
    // 100 steps between 101 points on 100 timesteps: two fall together.
    for spacing in ["leading", "linspace"] {
        let dense = format!(r#""timestep_spacing": "{spacing}", "num_train_timesteps": 100"#);
        says(with(DPM, &dense, &request(Sampler::Dpmpp2m, 100)), &["no finite coefficients", "fewer steps"]);
    }
}

#[test]
fn files_that_make_no_sense() {
    says(
        file("HeunDiscreteScheduler", ""),
        &["HeunDiscreteScheduler", "DDIMScheduler", "LCMScheduler", "PNDMScheduler"],
    );
    says(super::SchedulerConfig::from_json("{}"), &["scheduler class", "known: DDIMScheduler"]);
    says(super::SchedulerConfig::from_json("{\"_class_name\": "), &["cannot be read"]);
    for (fields, part) in [
        (r#""beta_start": 0.0"#, "beta_start"),
        (r#""beta_start": 0.5, "beta_end": 0.4"#, "beta_end"),
        (r#""beta_end": 1.0"#, "beta_end"),
        (r#""num_train_timesteps": 1"#, "num_train_timesteps"),
        (r#""num_train_timesteps": 1000000000000"#, "num_train_timesteps"),
        (r#""sigma_min": -1.0"#, "sigma_min"),
        (r#""sigma_max": 0"#, "sigma_max"),
        (r#""timestep_scaling": Infinity"#, "invalid type"),
        (r#""steps_offset": -1"#, "cannot be read"),
        (r#""steps_offset": 1000"#, "steps_offset"),
        (r#""prediction_type": "original""#, "epsilon, v_prediction, sample"),
        (r#""timestep_spacing": "even""#, "leading, trailing, linspace"),
        (r#""final_sigmas_type": "one""#, "zero, sigma_min"),
    ] {
        says(file(EULER, fields), &[part]);
    }
    let original = r#""original_inference_steps": 2000"#;
    says(with("LCMScheduler", original, &request(Sampler::Lcm, 4)), &["original_inference_steps", "2000"]);
    let pndm = file("PNDMScheduler", r#""skip_prk_steps": true, "set_alpha_to_one": false"#).unwrap();
    says(pndm.default_sampler(), &["PNDMScheduler", "dpmpp_2m"]);
    Schedule::new(&pndm, &request(Sampler::Ddim, 50)).unwrap();
}
