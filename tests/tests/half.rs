//! Activations of 16 bits on wgpu: how far the network's output and whole pictures are from f32.

use onelaunch_core::backend::Backend;
use onelaunch_core::image::Prompt;
use onelaunch_core::{CpuBackend, Pace, Precision, Request};
use onelaunch_tests::models::golden::{Subject, psnr, relative};
use onelaunch_tests::models::probe::{Half, Inputs, Probe};
use onelaunch_tests::models::runner::Runner;
use onelaunch_tests::models::wgpu;
use onelaunch_tests::skip::skipped;
use onelaunch_wgpu::WgpuBackend;

/// Of outputs of the network, relative L2.
const OUTPUT: f64 = 5e-3;
/// Of pictures, dB: the median, and each.
const PSNR: [f64; 2] = [56.0, 42.0];
/// Pictures.
const SEEDS: [u64; 3] = [1, 2, 3];

fn both(subject: &Subject) -> Option<(Runner<CpuBackend>, Runner<WgpuBackend>)> {
    let backend = wgpu()?;
    if !backend.caps().f16 {
        skipped("wgpu f16", &format!("{} has no 16-bit floats", backend.caps().name));
        return None;
    }
    let cpu = Runner::load(CpuBackend::new(None), &subject.folder, Precision::F32);
    Some((cpu, Runner::load(backend, &subject.folder, Precision::F16)))
}

/// Fed the initial noise and each latent of every trajectory but the last.
fn outputs(subject: &Subject) {
    let Some((cpu, gpu)) = both(subject) else { return };
    let noise = subject.tensor(&format!("{}.noise", subject.trajectories[0].name));
    let [_, c, h, w] = noise.shape[..] else { panic!("noise is [1, C, H, W]") };
    let mut exact = Probe::new(&cpu, Half::Network, [1, h, w, c], |_, output| output);
    let mut half = Probe::new(&gpu, Half::Network, [1, h, w, c], |_, output| output);
    let mut worst = 0.0f64;
    let (mut seen, mut over) = (0, 0);
    for trajectory in &subject.trajectories {
        let tensor = |what: &str| subject.tensor(&format!("{}.{what}", trajectory.name));
        let schedule = cpu.pipeline.resolve(&trajectory.request).expect("a golden can be asked for").schedule;
        let sigma = schedule.init_noise_sigma as f32;
        let first: Vec<f32> = tensor("noise").channels_last().iter().map(|x| x * sigma).collect();
        let later = tensor("latents").channels_last();
        let fed = [&first[..], &later[..later.len() - first.len()]].concat();
        let rows = ["", "negative_"].map(|half| {
            let ids = tensor(&format!("{half}ids")).data.iter().map(|&i| i as u32).collect::<Vec<_>>();
            (ids, tensor(&format!("{half}mask")).data.iter().sum::<f64>() as u32)
        });
        let prompt = Prompt {
            ids: rows.iter().flat_map(|(ids, _)| ids.clone()).collect(),
            lengths: rows.iter().map(|(_, length)| *length).collect(),
        };
        for (latent, row) in fed.chunks_exact(first.len()).zip(&schedule.rows) {
            let latent = latent.iter().map(|&x| (f64::from(x) * row.input_scale) as f32).collect();
            let inputs = Inputs { prompt: prompt.clone(), timestep: row.timestep, latent };
            let distance = relative(&half.run(&inputs), &exact.run(&inputs));
            println!("{} at {}: {distance:.2e}", trajectory.name, row.timestep);
            over += usize::from(distance.is_nan() || distance > OUTPUT);
            worst = worst.max(distance);
            seen += 1;
        }
    }
    println!("{}: {seen} outputs, the worst {worst:.2e}", subject.name);
    assert_eq!(over, 0, "{}: outputs further than {OUTPUT:e} from f32", subject.name);
    assert!(worst > 0.0, "nothing was stored in 16 bits");
}

#[test]
fn outputs_of_emoji() {
    outputs(&Subject::emoji());
}

#[test]
fn outputs_of_second() {
    outputs(&Subject::second());
}

#[test]
fn pictures_of_emoji() {
    let Some((cpu, gpu)) = both(&Subject::emoji()) else { return };
    let mut all = Vec::new();
    for seed in SEEDS {
        // Everything else as the model says: these are the pictures that people make.
        let request = Request { prompt: "a red apple".into(), seed, pace: Pace::Whole, ..Request::default() };
        all.push(psnr(&gpu.generate(&request).images[0], &cpu.generate(&request).images[0]));
    }
    println!("PSNR of f16 against f32: {all:.1?} dB");
    all.sort_by(f64::total_cmp);
    let [median, each] = PSNR;
    assert!(all[0] >= each && all[all.len() / 2] >= median, "{all:?} dB");
}
