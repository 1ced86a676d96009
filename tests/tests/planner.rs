//! The planner without a device: nothing that lives shares memory, everything fits, and the bounds are bounds.

use std::collections::BTreeMap;

use onelaunch_core::graph::{Origin, ValueId};
use onelaunch_core::passes::fuse::fuse;
use onelaunch_core::passes::hoist::{HoistOptions, Recordings, hoist};
use onelaunch_core::passes::plan::{
    Lifetime, Plan, Scratch, arena, largest_live_set, one_value_per_slab_bound, plan, slabs,
};
use onelaunch_core::program::Program;
use onelaunch_tests::models::synthetic::{Kind, Step, finish, step};
use proptest::prelude::*;

/// Rows of the tables.
const ROWS: usize = 4;

fn lives() -> impl Strategy<Value = Vec<Lifetime>> {
    let one = (0usize..40, 1usize..20, 1u64..50);
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let life = |(at, (start, length, size)): (usize, (usize, usize, u64))| Lifetime {
            value: ValueId(at as u32),
            start,
            end: start + length,
            bytes: size * 256,
        };
        all.into_iter().enumerate().map(life).collect()
    })
}

/// Sizes of what lives at a position, largest first.
fn alive(lives: &[Lifetime], at: usize) -> Vec<u64> {
    let mut sizes: Vec<u64> =
        lives.iter().filter(|l| (l.start..l.end).contains(&at)).map(|l| l.bytes).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn placed_lifetimes_are_apart(lives in lives()) {
        let (in_slabs, in_arena) = (slabs(&lives), arena(&lives));
        for (i, a) in lives.iter().enumerate() {
            prop_assert!(in_slabs.sizes[in_slabs.slab_of[i]] >= a.bytes);
            prop_assert!(in_arena.offsets[i] + a.bytes <= in_arena.bytes);
            for (j, b) in lives.iter().enumerate().skip(i + 1) {
                if a.start.max(b.start) >= a.end.min(b.end) {
                    continue;
                }
                prop_assert_ne!(in_slabs.slab_of[i], in_slabs.slab_of[j]);
                let (x, y) = (in_arena.offsets[i], in_arena.offsets[j]);
                prop_assert!(x + a.bytes <= y || y + b.bytes <= x, "{x}+{} and {y}+{}", a.bytes, b.bytes);
            }
        }
        // The bounds, counted at every position and not only where something starts.
        let sets: Vec<Vec<u64>> = (0..64).map(|at| alive(&lives, at)).collect();
        let largest: u64 = sets.iter().map(|s| s.iter().sum()).max().unwrap_or(0);
        let ranks = sets.iter().map(Vec::len).max().unwrap_or(0);
        let by_rank = |r| sets.iter().filter_map(|s: &Vec<u64>| s.get(r)).max().copied().unwrap_or(0);
        prop_assert_eq!(largest_live_set(&lives), largest);
        prop_assert_eq!(one_value_per_slab_bound(&lives), (0..ranks).map(by_rank).sum::<u64>());
        prop_assert!(in_arena.bytes >= largest);
        prop_assert!(in_slabs.sizes.iter().sum::<u64>() >= one_value_per_slab_bound(&lives));
    }

    #[test]
    fn what_a_node_reads_is_still_there(
        steps in prop::collection::vec(
            (prop::sample::select(Kind::ALL.to_vec()), 0usize..64, 0usize..64), 1..20),
        n in 1usize..3,
        budget in prop::sample::select(vec![0u64, 600, 1 << 20]),
        fused: bool,
        alignment in prop::sample::select(vec![4u64, 256]),
        scratch in prop::collection::vec(0u64..3000, 1..9),
    ) {
        let program = program(&steps, n, budget, fused);
        let scratch = scratches(&program, &scratch);
        let plan = plan(&program, &scratch, alignment);
        replay(&program, &plan, &scratch, alignment)?;
        prop_assert!(plan.arena >= plan.arena_bound && plan.slab_bytes() >= plan.slab_bound);
    }
}

fn program(steps: &[Step], n: usize, table_budget: u64, fused: bool) -> Program {
    let (guided, plain, finish) = (step(steps, n, true, ROWS), step(steps, n, false, ROWS), finish(n));
    let recordings = Recordings { guided: &guided, plain: &plain, finish: &finish, preview: None };
    let mut program = hoist(&recordings, HoistOptions { rows: ROWS, table_budget });
    if fused {
        let _ = fuse(&mut program);
    }
    program
}

fn scratches(program: &Program, bytes: &[u64]) -> Vec<Scratch> {
    let nodes = program
        .parts
        .iter()
        .enumerate()
        .flat_map(|(part, p)| (0..p.nodes.len()).map(move |node| (part, node)));
    nodes.zip(bytes.iter().cycle()).map(|((part, node), &bytes)| Scratch { part, node, bytes }).collect()
}

/// Walks every part with who holds each slab: a node's operands must hold theirs, and its output and scratch must be in none of them.
fn replay(program: &Program, plan: &Plan, scratch: &[Scratch], alignment: u64) -> Result<(), TestCaseError> {
    for (at, part) in program.parts.iter().enumerate() {
        let mut holder: BTreeMap<usize, ValueId> = BTreeMap::new();
        for (node_at, node) in part.nodes.iter().enumerate() {
            let mut bound = Vec::new();
            for &input in &node.inputs {
                let owner = program.base(input).0;
                if let Some(&slab) = plan.place.get(&owner) {
                    prop_assert_eq!(holder.get(&slab), Some(&owner), "{} reads what is gone", node.label);
                    bound.push(slab);
                } else {
                    prop_assert!(has_own(program, plan, owner), "{} reads what is nowhere", node.label);
                }
            }
            let needs = scratch.iter().find(|s| (s.part, s.node) == (at, node_at)).map_or(0, |s| s.bytes);
            if needs > 0 {
                let slab = plan.scratch.get(&(at, node_at)).copied();
                let slab = slab.ok_or_else(|| TestCaseError::fail("scratch without a place"))?;
                prop_assert!(!bound.contains(&slab) && plan.slabs[slab] >= needs);
                holder.remove(&slab);
                bound.push(slab);
            }
            let owner = program.base(node.output).0;
            if let Some(&slab) = plan.place.get(&owner) {
                prop_assert!(!bound.contains(&slab), "{} writes where it reads", node.label);
                let bytes = (program.shape(owner).len() * program.dtype(owner).bytes()) as u64;
                prop_assert!(plan.slabs[slab] >= bytes && plan.slabs[slab].is_multiple_of(alignment));
                holder.insert(slab, owner);
            } else {
                prop_assert!(has_own(program, plan, owner), "{} writes nowhere", node.label);
            }
        }
    }
    Ok(())
}

fn has_own(program: &Program, plan: &Plan, owner: ValueId) -> bool {
    let leaf = matches!(program.values[owner.index()].origin, Origin::Leaf(_));
    leaf || plan.own.iter().chain(&plan.constants).any(|&(value, _)| value == owner)
}
