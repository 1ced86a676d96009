//! What planning makes of the models, without a device: what stays in the step, dispatches per block, memory near its bounds, and the work
//! that a guidance interval saves.

use std::collections::{BTreeMap, BTreeSet};

use onelaunch::Folder;
use onelaunch_core::Precision;
use onelaunch_core::compile::{ProgramKey, program, row_bucket};
use onelaunch_core::graph::{Origin, ValueId};
use onelaunch_core::image::{Tags, Work};
use onelaunch_core::model::Model;
use onelaunch_core::passes::choose::choose;
use onelaunch_core::passes::plan::plan;
use onelaunch_core::program::{Part, PartKind, Program};
use onelaunch_core::schedule::{Sampler, SamplerRequest, Schedule};
use onelaunch_core::weights::{Encoding, LeafId, Leaves};
use onelaunch_tests::models::bare_image;
use onelaunch_tests::models::golden::Subject;
use onelaunch_tests::wgpu::a_gpu;
use onelaunch_wgpu::choose as choose_wgpu;
use pollster::block_on;

fn load(subject: &Subject) -> Model {
    block_on(Model::load(&Folder::open(&subject.folder).expect("a model folder"))).expect("a model")
}

fn of_model(model: &Model, precision: Precision) -> (Program, Leaves) {
    let (width, height) = model.default_size();
    let mut leaves = Leaves::default();
    let key = ProgramKey { n: 1, width, height, rows: row_bucket(20), precision };
    let (program, _) = program(model, &mut leaves, key);
    (program, leaves)
}

/// Tensors that a part reads.
fn tensors(program: &Program, leaves: &Leaves, part: &Part) -> BTreeSet<String> {
    let inputs = part.nodes.iter().flat_map(|n| &n.inputs);
    let leaf = |v: &ValueId| match program.values[program.base(*v).0.index()].origin {
        Origin::Leaf(leaf) => Some(leaf),
        _ => None,
    };
    let sources = inputs.filter_map(leaf).flat_map(|leaf| leaves.get(leaf).sources.clone());
    sources.map(|s| format!("{}/{}", s.component, s.name)).collect()
}

/// What need not be computed in every step is not: told by the weights that the step reads.
#[test]
fn the_step_of_emoji_holds_only_what_changes() {
    let (program, leaves) = of_model(&load(&Subject::emoji()), Precision::F32);
    let hoistable = |tensor: &str| {
        tensor.starts_with("text_encoder/")
            || ["attn2.to_k", "attn2.to_v", "adaln_single", "caption_projection", "scale_shift_table"]
                .iter()
                .any(|name| tensor.contains(name))
    };
    let (mut in_step, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
    for part in &program.parts {
        match part.kind {
            PartKind::Step { .. } => in_step.extend(tensors(&program, &leaves, part)),
            _ => elsewhere.extend(tensors(&program, &leaves, part)),
        }
    }
    let bad: Vec<_> = in_step.iter().filter(|t| hoistable(t)).collect();
    assert!(bad.is_empty(), "the step reads {bad:?}");
    // Both ways: they are read where they belong, and the step has the rest.
    let hoisted = elsewhere.iter().filter(|t| hoistable(t)).count();
    println!("{} tensors in the step, {hoisted} hoisted", in_step.len());
    assert!(hoisted > 60 && in_step.iter().any(|t| t.contains("attn2.to_q")), "{elsewhere:?}");
    assert!(program.unhoisted.is_empty());
}

#[test]
fn ten_dispatches_per_block() {
    let caps = a_gpu();
    for precision in [Precision::F32, Precision::F16] {
        let (program, leaves) = of_model(&load(&Subject::emoji()), precision);
        // As the shipped files are stored.
        let encodings: BTreeMap<LeafId, Encoding> = leaves
            .all()
            .iter()
            .map(|leaf| (leaf.id, onelaunch_wgpu::layout::layout(leaf, Encoding::F16).encoding))
            .collect();
        let chooser =
            |op: &_, node: &_, inputs: &[_], output: &_| choose_wgpu(&caps, op, node, inputs, output);
        let choices = choose(&program, &encodings, &chooser).unwrap_or_else(|why| panic!("{why}"));
        for guided in [true, false] {
            let at = program.part(PartKind::Step { guided }).expect("both steps are there");
            let part = &program.parts[at];
            let mut blocks: BTreeMap<&str, u32> = BTreeMap::new();
            for (node, choice) in part.nodes.iter().zip(&choices[at]) {
                if let Some(rest) = node.label.strip_prefix("transformer_blocks.") {
                    *blocks.entry(rest.split('.').next().unwrap_or_default()).or_default() +=
                        choice.dispatches;
                }
            }
            println!("{precision:?} guided {guided}: {blocks:?}, {} in all", part.nodes.len());
            assert_eq!(blocks.len(), 8);
            assert!(blocks.values().all(|&n| n <= 10), "{blocks:?}");
        }
    }
}

#[test]
fn memory_is_near_its_bounds() {
    for subject in [Subject::emoji(), Subject::second()] {
        let model = load(&subject);
        for precision in [Precision::F32, Precision::F16] {
            let (program, _) = of_model(&model, precision);
            let plan = plan(&program, &[], 256);
            let arena = plan.arena as f64 / plan.arena_bound as f64;
            let slabs = plan.slab_bytes() as f64 / plan.slab_bound as f64;
            println!("{} {precision:?}: arena {arena:.4}, slabs {slabs:.4} of their bounds", subject.name);
            assert!(plan.arena_bound > 0 && arena <= 1.02, "{}: arena {arena}", subject.name);
            assert!(slabs <= 1.10, "{}: slabs {slabs}", subject.name);
        }
    }
}

/// FLOPs of the rows of a schedule, as a session's dispatch list has them.
fn step_flops(model: &Model, program: &Program, interval: (f64, f64), guidance: f64) -> u64 {
    let asked =
        SamplerRequest { guidance_interval: interval, ..SamplerRequest::new(Sampler::Dpmpp2m, 20, guidance) };
    let schedule = Schedule::new(&model.scheduler, &asked).expect("20 steps can be made");
    let guided: Vec<bool> = schedule.rows.iter().map(|r| r.guided).collect();
    let work = Work::new(program, &Tags::default(), &bare_image(guided));
    let steps =
        work.items.iter().filter(|(part, _)| matches!(program.parts[*part].kind, PartKind::Step { .. }));
    steps.map(|(part, _)| program.part_flops(*part)).sum()
}

#[test]
fn half_an_interval_is_half_the_uncond_work() {
    let model = load(&Subject::emoji());
    let (program, _) = of_model(&model, Precision::F32);
    let plain = step_flops(&model, &program, (0.0, 1.0), 1.0);
    let uncond = |interval| step_flops(&model, &program, interval, 3.5) - plain;
    let (all, half) = (uncond((0.0, 1.0)), uncond((0.0, 0.5)));
    println!("20 steps: {plain} FLOPs of cond, {all} of uncond, {half} in half of the interval");
    assert_eq!(2 * half, all);
    let ratio = all as f64 / plain as f64;
    assert!((0.9..1.1).contains(&ratio), "uncond takes {ratio} of cond");
    assert_eq!(uncond((0.5, 0.5)), 0);
}
