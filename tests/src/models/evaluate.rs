//! A recording, evaluated as it stands: node by node by each op's own reference, no pass in between. What hoisting, fusing and planning
//! must not change is measured against this.

use std::collections::BTreeMap;

use onelaunch_core::files::ModelFiles;
use onelaunch_core::graph::{ConstantData, Graph, Node, Origin, Slot, ValueId};
use onelaunch_core::model::Model;
use onelaunch_core::ops::Arg;
use onelaunch_core::weights::{Encoding, Layout, LeafId, Leaves, encode};
use pollster::block_on;

/// Content of memory that a recording does not make: weights and slots, in 32-bit words as [`Arg`] has them.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Weights, as recorded: matrices `[N, K..]`.
    pub leaves: BTreeMap<LeafId, Vec<f32>>,
    /// Slots, inputs before and outputs behind an evaluation.
    pub slots: BTreeMap<Slot, Vec<f32>>,
}

/// What every node made.
pub type Made = BTreeMap<ValueId, Vec<f32>>;

/// Evaluates all nodes in recorded order; nodes that write a slot change `memory`.
///
/// # Panics
/// Where a slot or leaf is missing.
pub fn evaluate(graph: &Graph, memory: &mut Memory) -> Made {
    let mut made = Made::new();
    for (at, value) in graph.values.iter().enumerate() {
        if let Origin::Constant(constant) = value.origin
            && let ConstantData::U32(words) = &graph.constants[constant].data
        {
            // Integers are the same words.
            made.insert(ValueId(at as u32), words.iter().map(|&w| f32::from_bits(w)).collect());
        }
    }
    for node in &graph.nodes {
        evaluate_node(graph, node, memory, &mut made);
    }
    made
}

fn evaluate_node(graph: &Graph, node: &Node, memory: &mut Memory, made: &mut Made) {
    let shape = graph.shape(node.output);
    let (owner, offset) = graph.base(node.output);
    let mut out = match graph.values[owner.index()].origin {
        Origin::Slot(slot) => slot_of(memory, slot).to_vec(),
        // NaN shows what an op leaves out.
        _ => vec![f32::NAN; shape.len()],
    };
    {
        let args: Vec<Arg<'_>> = node.inputs.iter().map(|&v| operand(graph, v, memory, made)).collect();
        let rows = if node.op.writes_slot() { 1 } else { node.op.get().rows(shape) };
        node.op.get().reference(&args, shape, 0..rows, &mut out[offset..]);
    }
    match graph.values[owner.index()].origin {
        Origin::Slot(slot) => drop(memory.slots.insert(slot, out)),
        _ => drop(made.insert(owner, out)),
    }
}

fn operand<'a>(graph: &'a Graph, value: ValueId, memory: &'a Memory, made: &'a Made) -> Arg<'a> {
    let (owner, offset) = graph.base(value);
    let shape = graph.shape(value);
    let all: &[f32] = match graph.values[owner.index()].origin {
        Origin::Leaf(leaf) => memory.leaves.get(&leaf).unwrap_or_else(|| panic!("no leaf {}", leaf.0)),
        Origin::Constant(at) => match &graph.constants[at].data {
            ConstantData::F32(data) => data,
            ConstantData::U32(_) => made.get(&owner).map_or(&[], Vec::as_slice),
        },
        Origin::Slot(slot) => slot_of(memory, slot),
        Origin::Node => made.get(&owner).unwrap_or_else(|| panic!("read before it is made: {owner:?}")),
        Origin::View { .. } => panic!("an owner is no view"),
    };
    // Step noise has more draws than its shape says.
    let noise = graph.values[owner.index()].origin == Origin::Slot(Slot::Noise);
    let end = if noise { all.len() } else { offset + shape.len() };
    Arg::new(shape, &all[offset..end])
}

fn slot_of(memory: &Memory, slot: Slot) -> &[f32] {
    memory.slots.get(&slot).unwrap_or_else(|| panic!("no content for slot {slot:?}"))
}

/// Content of every leaf that was recorded, out of the model's files, in f32.
///
/// # Panics
/// Where files do not hold it.
#[must_use]
pub fn leaves_of_files(model: &Model, files: &dyn ModelFiles, leaves: &Leaves) -> BTreeMap<LeafId, Vec<f32>> {
    let sources = block_on(model.open(files)).unwrap_or_else(|why| panic!("{why}"));
    let content = |leaf: &onelaunch_core::weights::Leaf| {
        let mut tensors = Vec::new();
        for tensor in &leaf.sources {
            let source = &sources[&tensor.component];
            let entry = &source.entries()[&tensor.name];
            let mut bytes = vec![0; entry.bytes() as usize];
            let read = block_on(source.read(&tensor.name, 0..entry.bytes(), &mut bytes));
            read.unwrap_or_else(|why| panic!("{why}"));
            tensors.push((entry, bytes));
        }
        let borrowed: Vec<_> = tensors.iter().map(|(entry, bytes)| (*entry, bytes.as_slice())).collect();
        let layout = Layout::new(leaf, Encoding::F32, false, [1, 1]);
        let bytes = encode(leaf, &layout, &borrowed).unwrap_or_else(|why| panic!("{why}"));
        bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
    };
    leaves.all().iter().map(|leaf| (leaf.id, content(leaf))).collect()
}
