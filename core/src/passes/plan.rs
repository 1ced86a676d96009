//! `plan`: when each value lives and where. Values share a slab only when their lifetimes are disjoint (WebGPU refuses a buffer
//! that is bound read-only and writable in one dispatch); an arena has offsets instead (CUDA). Both come from the same lifetimes.

mod place;

use std::collections::BTreeMap;
use std::fmt::Write;

pub use place::{arena, largest_live_set, one_value_per_slab_bound, slabs};

use crate::graph::{Origin, ValueId};
use crate::program::{PartKind, Program};

/// When a value lives: from the node that makes it to behind the last that reads it, positions in the program's parts end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The value that owns the memory.
    pub value: ValueId,
    /// Position of the node that makes it.
    pub start: usize,
    /// Position behind its last reader.
    pub end: usize,
    /// Size, a multiple of the alignment.
    pub bytes: u64,
}

impl Lifetime {
    /// Whether both live at some position.
    pub const fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Scratch of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scratch {
    /// Part.
    pub part: usize,
    /// Node in it.
    pub node: usize,
    /// Bytes.
    pub bytes: u64,
}

/// Where everything is.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Activations and scratch: a slab each.
    pub place: BTreeMap<ValueId, usize>,
    /// Slab of the scratch of a node.
    pub scratch: BTreeMap<(usize, usize), usize>,
    /// Bytes of the slabs.
    pub slabs: Vec<u64>,
    /// Values with memory of their own, with bytes: slots and kept values.
    pub own: Vec<(ValueId, u64)>,
    /// Constants, with bytes.
    pub constants: Vec<(ValueId, u64)>,
    /// Bytes of an arena for the same activations.
    pub arena: u64,
    /// The most bytes that live at once: no arena is smaller.
    pub arena_bound: u64,
    /// What slabs cost at least when each holds one value at a time.
    pub slab_bound: u64,
}

impl Plan {
    /// Activation bytes.
    pub fn slab_bytes(&self) -> u64 {
        self.slabs.iter().sum()
    }
    /// One line per class.
    pub fn print(&self, program: &Program) -> String {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "activations: {} slabs, {} bytes (one value per slab: at least {}); as an arena {} (largest live set {})",
            self.slabs.len(),
            self.slab_bytes(),
            self.slab_bound,
            self.arena,
            self.arena_bound
        );
        for (value, bytes) in self.own.iter().chain(&self.constants) {
            let _ = writeln!(text, "own: {} {bytes} bytes", program.describe(*value));
        }
        text
    }
}

/// Plans the memory of a program; sizes are rounded up to `alignment`. Step noise is planned for one draw: a session multiplies.
pub fn plan(program: &Program, scratch: &[Scratch], alignment: u64) -> Plan {
    let mut plan = Plan::default();
    let round = |bytes: u64| bytes.next_multiple_of(alignment).max(alignment);
    let bytes_of = |v: ValueId| {
        let value = &program.values[v.index()];
        round((value.shape.len() * value.dtype.bytes()) as u64)
    };
    for at in 0..program.values.len() {
        let v = ValueId(at as u32);
        match program.values[at].origin {
            Origin::Slot(_) => plan.own.push((v, bytes_of(v))),
            Origin::Node if program.kept.contains(&v) => plan.own.push((v, bytes_of(v))),
            Origin::Constant(_) => plan.constants.push((v, bytes_of(v))),
            Origin::Leaf(_) | Origin::Node | Origin::View { .. } => {}
        }
    }
    let (lives, keys) = lifetimes(program, scratch, &bytes_of, round);
    let placed = slabs(&lives);
    for (key, &slab) in keys.iter().zip(&placed.slab_of) {
        match key {
            Key::Value(v) => {
                plan.place.insert(*v, slab);
            }
            Key::Scratch(part, node) => {
                plan.scratch.insert((*part, *node), slab);
            }
        }
    }
    plan.slab_bound = one_value_per_slab_bound(&lives);
    plan.arena_bound = largest_live_set(&lives);
    plan.arena = arena(&lives).bytes;
    plan.slabs = placed.sizes;
    plan
}

/// What a lifetime stands for.
enum Key {
    Value(ValueId),
    Scratch(usize, usize),
}

/// Lifetimes of everything that shares memory. A preview may come between any two dispatches of a step, so what it makes lives all
/// the time.
fn lifetimes(
    program: &Program,
    scratch: &[Scratch],
    bytes_of: &impl Fn(ValueId) -> u64,
    round: impl Fn(u64) -> u64,
) -> (Vec<Lifetime>, Vec<Key>) {
    let total: usize = program.parts.iter().map(|p| p.nodes.len()).sum();
    let mut spans: BTreeMap<ValueId, (usize, usize)> = BTreeMap::new();
    let (mut lives, mut keys) = (Vec::new(), Vec::new());
    let mut position = 0;
    for (part_at, part) in program.parts.iter().enumerate() {
        let preview = part.kind == PartKind::Preview;
        for (node_at, node) in part.nodes.iter().enumerate() {
            for v in node.inputs.iter().chain([&node.output]) {
                let owner = program.base(*v).0;
                let local =
                    program.values[owner.index()].origin == Origin::Node && !program.kept.contains(&owner);
                if local {
                    let span = spans.entry(owner).or_insert((position, position + 1));
                    span.1 = position + 1;
                    if preview {
                        *span = (0, total);
                    }
                }
            }
            for s in scratch.iter().filter(|s| (s.part, s.node) == (part_at, node_at) && s.bytes > 0) {
                let (start, end) = if preview { (0, total) } else { (position, position + 1) };
                lives.push(Lifetime { value: ValueId(u32::MAX), start, end, bytes: round(s.bytes) });
                keys.push(Key::Scratch(part_at, node_at));
            }
            position += 1;
        }
    }
    for (value, (start, end)) in spans {
        lives.push(Lifetime { value, start, end, bytes: bytes_of(value) });
        keys.push(Key::Value(value));
    }
    (lives, keys)
}
