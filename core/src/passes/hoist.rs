//! `hoist`: what need not be computed in every step leaves the step. A node's class is the set of sources it reads; each set without
//! state becomes a part that is computed only when its key changes. What a schedule part leaves for the step is evaluated for all rows at once and
//! packed into the tables; what other parts leave is kept.

mod split;

use std::collections::BTreeMap;

use crate::graph::{Graph, Node, Origin, Slot, ValueId, base};
use crate::program::{Part, PartKind, Program, Sources};
use split::Splitter;

/// Numbers that decide what is worth a table.
#[derive(Clone, Copy, Debug)]
pub struct HoistOptions {
    /// Rows of the tables, R.
    pub rows: usize,
    /// Largest table, bytes; a larger one stays in the step.
    pub table_budget: u64,
}

/// The recordings of one image.
#[derive(Debug)]
pub struct Recordings<'a> {
    /// Prompt, network on cond and uncond as one batch, sampler.
    pub guided: &'a Graph,
    /// The same for cond alone: same model code, so the same values in the same order.
    pub plain: &'a Graph,
    /// Latent to pixels.
    pub finish: &'a Graph,
    /// Denoised latent to a small picture, where the model has one.
    pub preview: Option<&'a Graph>,
}

/// Splits recordings into parts.
pub fn hoist(recordings: &Recordings<'_>, options: HoistOptions) -> Program {
    let mut program = Program { rows: options.rows, row_len: crate::schedule::ROW_LEN, ..Program::default() };
    let mut boundary = BTreeMap::new();
    let mut forced = vec![false; recordings.guided.nodes.len()];
    let guided = classify(recordings.guided, options, &mut forced, &mut program.unhoisted);
    Splitter::new(&mut program, recordings.guided, &guided, &mut boundary, 2).split(true);
    // Tables of one prompt are smaller, yet must be the same ones: what stays in the guided step stays in this one.
    let plain = classify(recordings.plain, options, &mut forced, &mut Vec::new());
    Splitter::new(&mut program, recordings.plain, &plain, &mut boundary, 1).split(false);
    for (graph, kind) in
        [(Some(recordings.finish), PartKind::Finish), (recordings.preview, PartKind::Preview)]
    {
        if let Some(graph) = graph {
            let mut whole = Splitter::new(&mut program, graph, &[], &mut boundary, 0);
            let nodes = graph.nodes.iter().map(|n| whole.node(n)).collect();
            program.parts.push(Part { kind, nodes });
        }
    }
    let order = |part: &Part| match part.kind {
        PartKind::Hoisted { sources, prompts } => (0, sources.0.count_ones(), sources.0, prompts),
        PartKind::Step { guided } => (1, 0, 0, usize::from(!guided)),
        PartKind::Finish => (2, 0, 0, 0),
        PartKind::Preview => (3, 0, 0, 0),
    };
    program.parts.sort_by_key(order);
    // The tables are as wide as what was hoisted.
    for value in &mut program.values {
        match value.origin {
            Origin::Slot(Slot::Rows) => value.shape = [options.rows, program.row_len].into(),
            Origin::Slot(Slot::Row) => value.shape = [program.row_len].into(),
            _ => {}
        }
    }
    program
}

/// Class of every value of a graph. Nodes whose table would exceed the budget count as state, as do those that are `forced` already.
fn classify(
    graph: &Graph,
    options: HoistOptions,
    forced: &mut [bool],
    unhoisted: &mut Vec<(String, u64)>,
) -> Vec<Sources> {
    loop {
        let mut class = vec![Sources::CONSTANT; graph.values.len()];
        let mut made: Vec<Option<usize>> = vec![None; graph.values.len()];
        for (at, node) in graph.nodes.iter().enumerate() {
            made[node.output.index()] = Some(at);
        }
        let of = |class: &[Sources], v: ValueId| {
            let owner = base(&graph.values, v).0;
            match graph.values[owner.index()].origin {
                Origin::Slot(slot) => Sources::of_slot(slot),
                _ => class[owner.index()],
            }
        };
        for (at, node) in graph.nodes.iter().enumerate() {
            let start = if forced[at] || node.op.writes_slot() { Sources::STATE } else { Sources::CONSTANT };
            class[node.output.index()] = node.inputs.iter().fold(start, |s, &v| s.union(of(&class, v)));
        }
        for v in 0..graph.values.len() {
            class[v] = of(&class, ValueId(v as u32));
        }
        // A table that is too large sends the node that makes it back into the step, and the question is asked again.
        let over = graph.nodes.iter().find_map(|reader| {
            let reads = node_class(reader, &class);
            reader.inputs.iter().find_map(|&v| {
                let owner = base(&graph.values, v).0;
                let at = made[owner.index()]?;
                let is_table = class[owner.index()].contains(Sources::SCHEDULE)
                    && !class[owner.index()].contains(Sources::STATE)
                    && reads.contains(Sources::STATE);
                let bytes = (graph.shape(owner).len() * options.rows * 4) as u64;
                (is_table && bytes > options.table_budget).then_some((at, bytes))
            })
        });
        let Some((at, bytes)) = over else { return class };
        forced[at] = true;
        unhoisted.push((graph.nodes[at].label.clone(), bytes));
    }
}

/// What a node reads, and state if it writes a slot.
fn node_class(node: &Node, class: &[Sources]) -> Sources {
    let made = if node.op.writes_slot() { Sources::STATE } else { class[node.output.index()] };
    node.inputs.iter().fold(made, |s, v| s.union(class[v.index()]))
}
