//! The passes without a device: texts of what they make of a recording with every source in it.
//! `UPDATE=1` writes the texts again; they are read in review.

use std::collections::{BTreeMap, BTreeSet};

use onelaunch_core::Caps;
use onelaunch_core::passes::choose;
use onelaunch_core::passes::fuse::fuse;
use onelaunch_core::passes::hoist::{HoistOptions, Recordings, hoist};
use onelaunch_core::passes::plan::{Scratch, plan};
use onelaunch_core::program::{PartKind, Program, Sources};
use onelaunch_tests::models::in_tree;
use onelaunch_tests::models::synthetic::sources::{CONSTANT, PICTURE, PROMPT, SCHEDULE, STATE};
use onelaunch_tests::models::synthetic::{Kind, Step, finish, step};
use onelaunch_tests::wgpu::a_gpu;
use onelaunch_wgpu::choose as choose_wgpu;

/// Every set of sources. Positions from 5 on are those of the steps.
const EVERY_SOURCE: [Step; 12] = [
    (Kind::Linear, PROMPT, PROMPT),    // 5: prompt
    (Kind::Add, SCHEDULE, CONSTANT),   // 6: schedule
    (Kind::Add, 5, 6),                 // 7: prompt × schedule
    (Kind::Add, 5, PICTURE),           // 8: prompt × picture
    (Kind::Mul, PICTURE, 6),           // 9: picture × schedule
    (Kind::Add, 8, 6),                 // 10: prompt × picture × schedule
    (Kind::MaskedAttention, STATE, 8), // 11: state, as all from here
    (Kind::NormModulate, 11, 6),       // 12
    (Kind::GatedResidual, 12, 9),      // 13
    (Kind::Upsample, 13, 0),           // 14
    (Kind::GroupNorm, 14, 0),          // 15
    (Kind::Attention, 15, 10),         // 16
];
/// Rows of the tables.
const ROWS: usize = 4;

fn hoisted(table_budget: u64) -> Program {
    // What only the last values read does not reach the output otherwise.
    let steps = [&EVERY_SOURCE[..], &[(Kind::Add, 7, 16), (Kind::Add, 17, CONSTANT)]].concat();
    let (guided, plain, finish) = (step(&steps, 1, true, ROWS), step(&steps, 1, false, ROWS), finish(1));
    let recordings = Recordings { guided: &guided, plain: &plain, finish: &finish, preview: None };
    hoist(&recordings, HoistOptions { rows: ROWS, table_budget })
}

fn check_text(name: &str, text: &str) {
    let path = in_tree(&format!("tests/golden/passes/{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).expect("the text can be written");
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    let line = text.lines().zip(want.lines()).position(|(a, b)| a != b).unwrap_or(0);
    assert!(
        text == want,
        "{name} differs from {} at line {} or in length: look, then UPDATE=1",
        path.display(),
        line + 1
    );
}

#[test]
fn hoist_text() {
    let program = hoisted(1 << 20);
    let sets: BTreeSet<Sources> = program
        .parts
        .iter()
        .filter_map(|p| if let PartKind::Hoisted { sources, .. } = p.kind { Some(sources) } else { None })
        .collect();
    assert_eq!(sets, (0..8).map(Sources).collect(), "a set of sources is missing");
    check_text("hoist", &program.print());
}

#[test]
fn hoist_text_with_a_small_budget() {
    // One prompt's table fits, two prompts' do not: both variants keep the nodes of these in the step.
    let program = hoisted(600);
    assert!(!program.unhoisted.is_empty());
    check_text("hoist_small", &format!("{}unhoisted {:?}\n", program.print(), program.unhoisted));
}

#[test]
fn fuse_text() {
    let mut program = hoisted(1 << 20);
    let report = fuse(&mut program);
    check_text("fuse", &format!("{}{}", program.print(), report.print()));
}

#[test]
fn choose_text() {
    let mut program = hoisted(1 << 20);
    let _ = fuse(&mut program);
    // A GPU, and a software adapter with subgroups of 8 lanes.
    for (name, caps) in
        [("choose_gpu", a_gpu()), ("choose_software", Caps { is_cpu: true, subgroup: 8, ..a_gpu() })]
    {
        let chooser =
            |op: &_, node: &_, inputs: &[_], output: &_| choose_wgpu(&caps, op, node, inputs, output);
        let choices =
            choose::choose(&program, &BTreeMap::new(), &chooser).unwrap_or_else(|why| panic!("{why}"));
        check_text(name, &choose::print(&program, &choices));
    }
}

#[test]
fn plan_text() {
    let mut program = hoisted(1 << 20);
    let _ = fuse(&mut program);
    let scratch = [Scratch { part: program.part(PartKind::Finish).unwrap(), node: 0, bytes: 1000 }];
    let plan = plan(&program, &scratch, 256);
    let mut text = plan.print(&program);
    for (value, slab) in &plan.place {
        text += &format!("slab {slab}: {}\n", program.describe(*value));
    }
    check_text("plan", &format!("{text}slabs {:?}\nscratch {:?}\n", plan.slabs, plan.scratch));
}
