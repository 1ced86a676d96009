//! The hoisted, fused and planned program computes what the recording computes: random recordings with every source, and the second model.

use std::collections::BTreeMap;
use std::sync::Arc;

use onelaunch_core::backend::Backend;
use onelaunch_core::compile::planned;
use onelaunch_core::graph::Slot;
use onelaunch_core::image::{Image, Prompt};
use onelaunch_core::passes::fuse::fuse;
use onelaunch_core::passes::hoist::{HoistOptions, Recordings, hoist};
use onelaunch_core::schedule::{NOISE, OUTPUT, Row, X};
use onelaunch_core::{CpuBackend, Precision, Request};
use onelaunch_tests::models::evaluate::{Memory, leaves_of_files};
use onelaunch_tests::models::golden::{Subject, assert_close, picture_difference, relative};
use onelaunch_tests::models::replay::Recorded;
use onelaunch_tests::models::runner::{Runner, run};
use onelaunch_tests::models::synthetic::{Kind, Step, TOKENS, WIDTH, finish, latent, numbers, step};
use pollster::block_on;
use proptest::prelude::*;

/// Relative L2 of final latents: the same ops in another order of additions.
const CLOSE: f64 = 1e-5;
/// Rows of the tables.
const ROWS: usize = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((prop::sample::select(Kind::ALL.to_vec()), 0usize..64, 0usize..64), 1..14)
}

/// An image that reads everything; its last row is not guided where `mixed`.
fn image(n: usize, guided: &[bool], seed: u32) -> Image {
    let row = |(at, &guided): (usize, &bool)| {
        let mut row = Row {
            step: at,
            timestep: 900.0 - 250.0 * at as f64 - f64::from(seed % 7),
            input_scale: 0.8 + 0.1 * at as f64,
            guidance: if guided { 2.5 } else { 1.0 },
            guided,
            matrix: [[0.0; 7]; 5],
            denoised: [0.5, 0.5],
            mask_blend: [0.0; 2],
            noise_slot: Some(0),
        };
        row.matrix[X][X] = 0.7;
        row.matrix[X][1] = -0.1;
        row.matrix[X][OUTPUT] = 0.4;
        row.matrix[X][NOISE] = 0.05;
        // A history of outputs.
        row.matrix[1][OUTPUT] = 1.0;
        row
    };
    let rows: Vec<Row> = guided.iter().enumerate().map(row).collect();
    let prompts = if guided.contains(&true) { 2 } else { 1 };
    let ids = numbers(seed, prompts * TOKENS, 8.0).iter().map(|x| (x + 8.0) as u32).collect();
    let elements = latent(n).iter().product();
    Image {
        prompts: vec![Prompt { ids, lengths: [3, 1][..prompts].to_vec() }],
        prompt_rows: prompts,
        timesteps: rows.iter().map(|r| r.timestep as f32).collect(),
        rows: rows.iter().flat_map(Row::to_f32).collect(),
        guided: guided.to_vec(),
        latents: numbers(seed ^ 0xabc, elements, 1.5),
        noise: numbers(seed ^ 0xdef, elements, 1.5),
        generation: 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_recordings(
        steps in steps(),
        n in 1usize..3,
        budget in prop::sample::select(vec![0u64, 600, 1200, 1 << 20]),
        second in 0u32..4,
    ) {
        let recorded =
            Recorded { guided: step(&steps, n, true, ROWS), plain: step(&steps, n, false, ROWS), finish: finish(n) };
        let recordings = Recordings {
            guided: &recorded.guided, plain: &recorded.plain, finish: &recorded.finish, preview: None,
        };
        let mut program = hoist(&recordings, HoistOptions { rows: ROWS, table_budget: budget });
        let _ = fuse(&mut program);
        let backend = CpuBackend::new(None);
        let planned = planned(&backend, program, &BTreeMap::new()).unwrap();
        let weights = Arc::new(block_on(backend.weights(&[])).unwrap());
        let compiled = Arc::new(block_on(backend.compile(planned, &|_| {})).unwrap());
        let mut session = block_on(backend.open(&compiled, &weights, 1)).unwrap();
        // Two in one session, which share what the second does not change.
        let first = image(n, &[true, false, true], 11);
        let mut next = first.clone();
        match second {
            0 => next.latents.reverse(),
            1 => next.prompts[0].ids.reverse(),
            2 => next.timesteps.iter_mut().for_each(|t| *t *= 0.5),
            _ => next = image(n, &[false, false], 12),
        }
        if second == 2 {
            let row = onelaunch_core::schedule::ROW_LEN;
            next.rows.chunks_exact_mut(row).for_each(|r| r[onelaunch_core::schedule::ROW_TIMESTEP] *= 0.5);
        }
        for image in [&first, &next] {
            let mut memory = Memory::default();
            memory.slots.insert(Slot::Picture, vec![0.0; TOKENS * WIDTH]);
            let (want, _) = recorded.replay(image, ROWS, &mut memory);
            let got = run(&mut session, image);
            let distance = relative(&got, &want);
            prop_assert!(distance <= CLOSE, "{distance:e} apart");
        }
    }
}

#[test]
fn the_second_model() {
    let subject = Subject::second();
    let runner = Runner::load(CpuBackend::new(None), &subject.folder, Precision::F32);
    let model = runner.pipeline.model();
    let (width, height, rows) = (96, 64, 4);
    let shape = model.latent_shape(1, width, height);
    let mut leaves = onelaunch_core::weights::Leaves::default();
    let recorded = Recorded {
        guided: model.record_step(&mut leaves, shape, true, rows),
        plain: model.record_step(&mut leaves, shape, false, rows),
        finish: model.record_finish(&mut leaves, shape),
    };
    let folder = onelaunch::Folder::open(&subject.folder).unwrap();
    let mut memory = Memory { leaves: leaves_of_files(model, &folder, &leaves), ..Memory::default() };
    let request = Request {
        prompt: "Two green boats".into(),
        negative: "dark".into(),
        steps: Some(4),
        guidance: Some(2.5),
        guidance_interval: Some((0.0, 0.5)),
        sampler: Some("euler_a".parse().unwrap()),
        width: Some(width),
        height: Some(height),
        seed: 5,
        ..Request::default()
    };
    let mut fed = None;
    let (got, pixels) = runner.launch(&request, |image| fed = Some(image.clone()));
    let fed = fed.unwrap();
    assert_eq!(fed.guided, [true, true, false, false]);
    let (want, picture) = recorded.replay(&fed, rows, &mut memory);
    assert_close("second, planned and as recorded", &got, &want, CLOSE);
    let most = picture_difference(&pixels.images[0], &picture.images[0]);
    assert!(most <= 1, "pictures are {most} of 255 apart");
}
