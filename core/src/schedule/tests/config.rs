//! What a file means: defaults of the class it names, defaults of the sampler, and Python's own JSON.

use super::super::{BetaSchedule, FinalSigma, Prediction, Sampler, SamplerRequest, Sigmas, Spacing};
use super::{file, request, schedule};

#[test]
fn a_silent_file_means_its_class_defaults() {
    for class in ["DDIMScheduler", "EulerDiscreteScheduler", "DPMSolverMultistepScheduler", "PNDMScheduler"] {
        let config = file(class, "").unwrap();
        assert_eq!((config.beta_start, config.beta_end), (0.0001, 0.02));
        assert_eq!(config.beta_schedule, BetaSchedule::Linear);
        assert_eq!((config.num_train_timesteps, config.steps_offset), (1000, 0));
        assert_eq!((config.prediction, config.final_sigma), (Prediction::Epsilon, FinalSigma::Zero));
        assert!(!config.use_karras_sigmas && !config.rescale_betas_zero_snr);
    }
    let lcm = file("LCMScheduler", "").unwrap();
    assert_eq!((lcm.beta_start, lcm.beta_end), (0.00085, 0.012));
    assert_eq!((lcm.beta_schedule, lcm.original_inference_steps), (BetaSchedule::ScaledLinear, 50));
}

#[test]
fn the_class_names_the_default_sampler() {
    for (class, sampler) in [
        ("DDIMScheduler", Sampler::Ddim),
        ("EulerDiscreteScheduler", Sampler::Euler),
        ("EulerAncestralDiscreteScheduler", Sampler::EulerA),
        ("DPMSolverMultistepScheduler", Sampler::Dpmpp2m),
        ("LCMScheduler", Sampler::Lcm),
    ] {
        assert_eq!(file(class, "").unwrap().default_sampler(), Ok(sampler));
    }
}

#[test]
fn infinity_as_python_writes_it() {
    let fields =
        r#""lambda_min_clipped": -Infinity, "_note": "a \"NaN\" stays, -Infinity too \\", "solver_order": 2"#;
    let config = file("DPMSolverMultistepScheduler", fields).unwrap();
    assert_eq!(config.own_sampler_refused, None);
    schedule("DPMSolverMultistepScheduler", fields, &request(Sampler::Dpmpp2m, 20));
    let clipped = file("DPMSolverMultistepScheduler", r#""lambda_min_clipped": Infinity"#).unwrap();
    assert!(clipped.own_sampler_refused.is_some());
}

#[test]
fn spacing_is_the_requests_then_the_files_then_the_samplers() {
    let first =
        |fields, request: &SamplerRequest| schedule("DDIMScheduler", fields, request).rows[0].timestep;
    let trailing = r#""timestep_spacing": "trailing""#;
    assert_eq!(first("", &request(Sampler::Ddim, 10)), 900.0);
    assert_eq!(first("", &request(Sampler::Euler, 10)), 999.0);
    assert_eq!(first(trailing, &request(Sampler::Ddim, 10)), 999.0);
    let leading = SamplerRequest { spacing: Some(Spacing::Leading), ..request(Sampler::Euler, 10) };
    assert_eq!(first(trailing, &leading), 900.0);
}

#[test]
fn sigmas_are_the_requests_then_the_files() {
    let second = |fields, sigmas| {
        let request = SamplerRequest { sigmas, ..request(Sampler::Dpmpp2m, 10) };
        schedule("DPMSolverMultistepScheduler", fields, &request).rows[1].timestep
    };
    let karras = r#""use_karras_sigmas": true"#;
    assert_eq!(second(karras, None), second("", Some(Sigmas::Karras)));
    assert_eq!(second(karras, Some(Sigmas::Default)), second("", None));
    assert_ne!(second(karras, None), second("", None));
}

/// For 61 steps diffusers adds a 62nd evaluation at timestep -1; S steps are S rows here.
#[test]
fn trailing_never_has_one_row_too_many() {
    for sampler in [Sampler::Ddim, Sampler::Euler, Sampler::EulerA, Sampler::Dpmpp2m] {
        for steps in 1..=256 {
            let request = SamplerRequest { spacing: Some(Spacing::Trailing), ..request(sampler, steps) };
            let rows = schedule("DDIMScheduler", "", &request).rows;
            assert_eq!((rows.len(), rows[0].timestep), (steps, 999.0), "{sampler} {steps}");
            assert!(rows.is_sorted_by(|a, b| a.timestep > b.timestep) && rows[steps - 1].timestep >= 0.0);
        }
    }
}
