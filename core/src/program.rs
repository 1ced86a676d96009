//! The result of the passes: what an image takes, as plain data. Parts come first, then the step in two variants, then finish and
//! preview; all share one list of values.

use std::fmt::Write;

use crate::graph::{Constant, Node, Origin, Slot, Value, ValueId, base};
use crate::shape::{DType, Shape};

/// A set of the things a value depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Sources(pub u8);

impl Sources {
    /// Weights and constants only.
    pub const CONSTANT: Self = Self(0);
    /// Token ids and lengths.
    pub const PROMPT: Self = Self(1);
    /// Input picture, mask.
    pub const PICTURE: Self = Self(2);
    /// Timesteps.
    pub const SCHEDULE: Self = Self(4);
    /// Sampler state, noise, rows, and all they reach.
    pub const STATE: Self = Self(8);

    /// Both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// `prompt × schedule` and the like; `constant` for the empty set.
    pub fn name(self) -> String {
        let names = [
            (Self::PROMPT, "prompt"),
            (Self::PICTURE, "picture"),
            (Self::SCHEDULE, "schedule"),
            (Self::STATE, "state"),
        ];
        let all: Vec<_> = names.iter().filter(|(s, _)| self.contains(*s)).map(|(_, n)| *n).collect();
        if all.is_empty() { "constant".into() } else { all.join(" × ") }
    }
    /// What a slot depends on.
    pub const fn of_slot(slot: Slot) -> Self {
        match slot {
            Slot::Tokens(_) | Slot::Lengths(_) => Self::PROMPT,
            Slot::Timestep => Self::SCHEDULE,
            Slot::Picture => Self::PICTURE,
            Slot::State | Slot::Noise | Slot::Rows | Slot::Row | Slot::Pixels | Slot::Preview => Self::STATE,
        }
    }
}

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartKind {
    /// Computed when its key changes. `prompts` is the number of prompt rows it computes (0 if it reads no prompt).
    Hoisted {
        /// What its key is made of.
        sources: Sources,
        /// 1 (cond), 2 (cond, uncond) or 0.
        prompts: usize,
    },
    /// One row of the sampler's table.
    Step {
        /// With cond and uncond as one batch.
        guided: bool,
    },
    /// Latent to pixels.
    Finish,
    /// Denoised latent to a small picture.
    Preview,
}

/// A run of nodes that is submitted together.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its nodes, in order.
    pub nodes: Vec<Node>,
}

impl Part {
    /// For printing.
    pub fn name(&self) -> String {
        match self.kind {
            PartKind::Hoisted { sources, prompts: 0 } => sources.name(),
            PartKind::Hoisted { sources, prompts } => format!("{} (P = {prompts})", sources.name()),
            PartKind::Step { guided: true } => "step (guided)".into(),
            PartKind::Step { guided: false } => "step (plain)".into(),
            PartKind::Finish => "finish".into(),
            PartKind::Preview => "preview".into(),
        }
    }
}

/// A planned image.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// All values of all parts.
    pub values: Vec<Value>,
    /// Host data.
    pub constants: Vec<Constant>,
    /// Hoisted parts in an order that respects their dependencies, then steps, finish, preview.
    pub parts: Vec<Part>,
    /// Values that hoisted parts leave for others: they keep their memory for the life of a session.
    pub kept: Vec<ValueId>,
    /// Columns of the packed tables, the sampler's row included.
    pub row_len: usize,
    /// Rows of the packed tables, R.
    pub rows: usize,
    /// Nodes that stay in the step because their table would be too large: label and bytes.
    pub unhoisted: Vec<(String, u64)>,
}

impl Program {
    /// The value that owns a value's memory, and the first element in it.
    pub fn base(&self, value: ValueId) -> (ValueId, usize) {
        base(&self.values, value)
    }
    /// Shape of a value.
    pub fn shape(&self, value: ValueId) -> &Shape {
        &self.values[value.index()].shape
    }
    /// Storage type of a value.
    pub fn dtype(&self, value: ValueId) -> DType {
        self.values[value.index()].dtype
    }
    /// The part of a kind.
    pub fn part(&self, kind: PartKind) -> Option<usize> {
        self.parts.iter().position(|p| p.kind == kind)
    }
    /// The value of a slot, if any part uses it. Views of it are not it.
    pub fn slot(&self, slot: Slot) -> Option<ValueId> {
        let at = self.values.iter().position(|v| v.origin == Origin::Slot(slot));
        at.map(|at| ValueId(at as u32))
    }
    /// FLOPs of one node.
    pub fn flops(&self, node: &Node) -> u64 {
        let inputs: Vec<_> = node.inputs.iter().map(|&v| self.shape(v)).collect();
        node.op.get().flops(&inputs, self.shape(node.output))
    }
    /// FLOPs of a part.
    pub fn part_flops(&self, part: usize) -> u64 {
        self.parts[part].nodes.iter().map(|n| self.flops(n)).sum()
    }

    /// How a value is written in the printed form: `%7`, `leaf 3`, `row[64..]`.
    pub fn describe(&self, value: ValueId) -> String {
        let Value { shape, origin, .. } = &self.values[value.index()];
        let name = match origin {
            Origin::Leaf(leaf) => format!("w{}", leaf.0),
            Origin::Constant(at) => format!("const:{}", self.constants[*at].name),
            Origin::Slot(slot) => format!("{slot:?}").to_lowercase(),
            Origin::Node => format!("%{}", value.0),
            Origin::View { of, offset: 0 } => return format!("{} as {shape}", self.describe(*of)),
            Origin::View { of, offset } => return format!("{}+{offset} as {shape}", self.describe(*of)),
        };
        format!("{name}{shape}")
    }

    /// One line per node, for golden texts and `inspect`.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            let _ = writeln!(text, "part {}", part.name());
            for node in &part.nodes {
                let inputs: Vec<_> = node.inputs.iter().map(|&v| self.describe(v)).collect();
                let op = format!("{:?}", node.op);
                let _ = writeln!(
                    text,
                    "  {} = {op} {} // {}",
                    self.describe(node.output),
                    inputs.join(", "),
                    node.label
                );
            }
        }
        text
    }
}
