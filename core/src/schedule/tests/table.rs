//! Rows as data: guidance, noise slots, the packed form, and names people use.

use super::super::{
    ROW_DENOISED, ROW_GUIDANCE, ROW_INPUT_SCALE, ROW_LEN, ROW_MASK_BLEND, ROW_MATRIX, ROW_NOISE_SLOT,
    ROW_TIMESTEP, ROW_USED, Sampler, SamplerName, SamplerRequest, Schedule, ScheduleError, Sigmas, Spacing,
    apply_row,
};
use super::{request, schedule};

fn guided(schedule: &Schedule) -> String {
    let mark = |row: &super::super::Row| {
        assert_eq!(row.guidance, if row.guided { 7.5 } else { 1.0 });
        if row.guided { 'g' } else { '.' }
    };
    schedule.rows.iter().map(mark).collect()
}

#[test]
fn a_step_is_guided_inside_the_interval_only() {
    let of = |sampler, guidance_interval| {
        let request = SamplerRequest { guidance_interval, ..SamplerRequest::new(sampler, 10, 7.5) };
        guided(&schedule("LCMScheduler", "", &request))
    };
    for sampler in Sampler::ALL {
        assert_eq!(of(sampler, (0.0, 1.0)), "gggggggggg");
        assert_eq!(of(sampler, (0.0, 0.5)), "ggggg.....");
        assert_eq!(of(sampler, (0.25, 0.71)), "...ggggg..");
        assert_eq!(of(sampler, (0.3, 0.3)), "..........");
        assert_eq!(of(sampler, (0.0, 0.0)), "..........");
    }
}

#[test]
fn guidance_of_one_or_less_is_the_plain_picture() {
    for guidance in [1.0, 0.0, -3.0] {
        let plain = schedule("LCMScheduler", "", &SamplerRequest::new(Sampler::Lcm, 4, guidance));
        assert!(plain.rows.iter().all(|row| !row.guided && row.guidance == 1.0));
    }
}

#[test]
fn noise_slots_count_the_draws_that_are_read() {
    let slots = |sampler, eta| {
        let schedule = schedule("LCMScheduler", "", &SamplerRequest { eta, ..request(sampler, 4) });
        (schedule.rows.iter().map(|row| row.noise_slot).collect::<Vec<_>>(), schedule.draws)
    };
    let all_but_last = (vec![Some(0), Some(1), Some(2), None], 3);
    assert_eq!(slots(Sampler::EulerA, 0.0), all_but_last);
    assert_eq!(slots(Sampler::Lcm, 0.0), all_but_last);
    assert_eq!(slots(Sampler::Ddim, 1.0), all_but_last);
    for sampler in [Sampler::Ddim, Sampler::Euler, Sampler::Dpmpp2m] {
        assert_eq!(slots(sampler, 0.0), (vec![None; 4], 0));
    }
    let final_alpha = r#""set_alpha_to_one": false, "steps_offset": 1"#;
    let request = SamplerRequest { eta: 1.0, ..request(Sampler::Ddim, 4) };
    assert_eq!(schedule("DDIMScheduler", final_alpha, &request).draws, 4);
}

#[test]
fn the_packed_row_lies_at_the_named_offsets() {
    let schedule =
        schedule("EulerAncestralDiscreteScheduler", "", &SamplerRequest::new(Sampler::EulerA, 3, 5.0));
    for row in &schedule.rows {
        let packed = row.to_f32();
        assert_eq!(packed[ROW_TIMESTEP], row.timestep as f32);
        assert_eq!(packed[ROW_INPUT_SCALE], row.input_scale as f32);
        assert_eq!(packed[ROW_GUIDANCE], 5.0);
        assert_eq!(packed[ROW_NOISE_SLOT], row.noise_slot.map_or(-1.0, |slot| slot as f32));
        for to in 0..5 {
            for from in 0..7 {
                assert_eq!(packed[ROW_MATRIX + 7 * to + from], row.matrix[to][from] as f32);
            }
        }
        assert_eq!(packed[ROW_DENOISED..ROW_MASK_BLEND], row.denoised.map(|c| c as f32));
        assert_eq!(packed[ROW_MASK_BLEND..], [0.0; ROW_LEN - ROW_MASK_BLEND]);
    }
    assert_eq!((ROW_MATRIX + 35, ROW_USED, ROW_LEN), (ROW_DENOISED, 43, 64));
}

#[test]
fn a_zero_coefficient_does_not_read_its_slot() {
    let schedule = schedule("DDIMScheduler", "", &request(Sampler::Ddim, 4));
    let mut state = [1.0, f64::NAN, f64::NAN, f64::NAN, f64::NAN];
    apply_row(&schedule.rows[0], &mut state, 0.5, f64::NAN);
    assert!(state[0].is_finite() && state[1..] == [0.0; 4]);
}

/// With epsilon, x0 = (x - n epsilon) / s; what the network reads must have unit variance: scale² (s² + n²) = 1.
#[test]
fn the_network_reads_unit_variance() {
    for sampler in [Sampler::Ddim, Sampler::Euler, Sampler::EulerA, Sampler::Dpmpp2m] {
        for row in &schedule("EulerDiscreteScheduler", "", &request(sampler, 6)).rows {
            let [of_x, of_output] = row.denoised;
            let (signal, noise) = (row.input_scale / of_x, row.input_scale * of_output / of_x);
            assert!((signal * signal + noise * noise - 1.0).abs() < 1e-12, "{sampler}: {signal} {noise}");
        }
    }
}

#[test]
fn names_of_other_tools_are_accepted() {
    let name = |text: &str| text.parse::<SamplerName>().map(|name| (name.sampler, name.sigmas));
    for (text, sampler) in [
        ("ddim", Sampler::Ddim),
        ("DDIM", Sampler::Ddim),
        ("euler", Sampler::Euler),
        ("Euler", Sampler::Euler),
        ("euler_a", Sampler::EulerA),
        ("Euler a", Sampler::EulerA),
        ("euler_ancestral", Sampler::EulerA),
        ("dpmpp_2m", Sampler::Dpmpp2m),
        ("DPM++ 2M", Sampler::Dpmpp2m),
        ("lcm", Sampler::Lcm),
        ("LCM", Sampler::Lcm),
    ] {
        assert_eq!(name(text), Ok((sampler, None)), "{text}");
        assert_eq!(text.parse(), Ok(sampler), "{text}");
    }
    assert_eq!(name("DPM++ 2M Karras"), Ok((Sampler::Dpmpp2m, Some(Sigmas::Karras))));
    assert!(matches!("DPM++ 2M Karras".parse::<Sampler>(), Err(ScheduleError::Refused { .. })));
    for sampler in Sampler::ALL {
        assert_eq!(sampler.to_string().parse(), Ok(sampler));
    }
    let error = "DPM++ SDE".parse::<Sampler>().unwrap_err().to_string();
    assert!(
        error.contains("`DPM++ SDE`") && Sampler::ALL.iter().all(|s| error.contains(s.name())),
        "{error}"
    );
    assert_eq!("Karras".parse(), Ok(Sigmas::Karras));
    assert_eq!("trailing".parse(), Ok(Spacing::Trailing));
    assert!("exponential".parse::<Sigmas>().unwrap_err().to_string().contains("default, karras"));
}
