//! `fuse`: a few named rewrites of a producer and its only reader into one node. Each says why it did not fire.

mod epilogue;
mod norm;
mod projections;
mod upsample;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::graph::{Node, ValueId};
use crate::program::Program;
pub use projections::merge_projections;

/// What a rewrite says of a pair.
#[derive(Debug)]
pub enum Verdict {
    /// One node does the work of both; it stands where the reader stood.
    Fused(Node),
    /// The pair is of the rewrite's kind, but this is in the way.
    NotFused(&'static str),
    /// The pair is none of the rewrite's business.
    Other,
}

/// One rewrite: the program for shapes, the producer, its only reader.
type Rewrite = fn(&Program, &Node, &Node) -> Verdict;

/// The rewrites on pairs, by name. (Those that change weights come before `hoist`: [`merge_projections`].)
const REWRITES: [(&str, Rewrite); 4] = [
    ("epilogue", epilogue::fuse),
    ("norm + modulate", norm::modulate),
    ("norm + activation", norm::activation),
    ("upsample into conv", upsample::fuse),
];

/// What was done, for printing.
#[derive(Clone, Debug, Default)]
pub struct FuseReport {
    /// Rewrite, part, labels of producer and reader.
    pub fused: Vec<(&'static str, String, String)>,
    /// The same with the reason.
    pub not_fused: Vec<(&'static str, String, String, &'static str)>,
}

impl FuseReport {
    /// One line each.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for (rewrite, part, pair) in &self.fused {
            let _ = writeln!(text, "fused {rewrite}: {part}: {pair}");
        }
        for (rewrite, part, pair, why) in &self.not_fused {
            let _ = writeln!(text, "not fused {rewrite}: {part}: {pair}: {why}");
        }
        text
    }
}

/// Applies the rewrites until none fires.
pub fn fuse(program: &mut Program) -> FuseReport {
    let mut report = FuseReport::default();
    let kept: BTreeSet<ValueId> = program.kept.iter().map(|&v| program.base(v).0).collect();
    for part in 0..program.parts.len() {
        let name = program.parts[part].name();
        while let Some((at, reader, rewrite, node)) = find(program, part, &kept) {
            let nodes = &mut program.parts[part].nodes;
            report.fused.push((
                rewrite,
                name.clone(),
                format!("{} + {}", nodes[at].label, nodes[reader].label),
            ));
            nodes[reader] = node;
            nodes.remove(at);
        }
        scan(program, part, &kept, |rewrite, producer, reader, verdict| {
            if let Verdict::NotFused(why) = verdict {
                report.not_fused.push((
                    rewrite,
                    name.clone(),
                    format!("{} + {}", producer.label, reader.label),
                    why,
                ));
            }
            false
        });
    }
    report
}

/// The first pair that can be fused.
fn find(
    program: &Program,
    part: usize,
    kept: &BTreeSet<ValueId>,
) -> Option<(usize, usize, &'static str, Node)> {
    let mut found = None;
    let at = scan(program, part, kept, |rewrite, _, _, verdict| match verdict {
        Verdict::Fused(node) => {
            found = Some((rewrite, node));
            true
        }
        Verdict::NotFused(_) | Verdict::Other => false,
    });
    let ((at, reader), (rewrite, node)) = at.zip(found)?;
    Some((at, reader, rewrite, node))
}

/// Shows every producer with its only reader to every rewrite until `stop` says so.
fn scan(
    program: &Program,
    part: usize,
    kept: &BTreeSet<ValueId>,
    mut stop: impl FnMut(&'static str, &Node, &Node, Verdict) -> bool,
) -> Option<(usize, usize)> {
    let nodes = &program.parts[part].nodes;
    let mut readers: BTreeMap<ValueId, Vec<usize>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        for &input in &node.inputs {
            readers.entry(program.base(input).0).or_default().push(at);
        }
    }
    for (at, node) in nodes.iter().enumerate() {
        let owner = program.base(node.output).0;
        let Some([reader]) = readers.get(&owner).map(Vec::as_slice) else { continue };
        // Seen through a view the shapes differ, and what is kept has readers elsewhere.
        if kept.contains(&owner) || node.op.writes_slot() || !nodes[*reader].inputs.contains(&node.output) {
            continue;
        }
        for (name, rewrite) in REWRITES {
            if stop(name, node, &nodes[*reader], rewrite(program, node, &nodes[*reader])) {
                return Some((at, *reader));
            }
        }
    }
    None
}
