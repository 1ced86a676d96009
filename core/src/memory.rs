//! What a session allocates: one list, from which `inspect` prints and a backend creates, so that the two cannot differ.

use crate::backend::Planned;
use crate::graph::{Origin, Slot, ValueId};

/// What memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Leaves of a model, shared by its sessions.
    Weights,
    /// Values that live for a few nodes and share slabs.
    Activations,
    /// Packed rows of schedules.
    Tables,
    /// What hoisted parts leave for others.
    Kept,
    /// Step noise, for every draw.
    Noise,
    /// Inputs, sampler state, the current row, pixels.
    Slots,
    /// Host data that no file holds.
    Constants,
    /// Parameters of kernels.
    Parameters,
    /// Where results lie to be read by the host.
    Staging,
}

impl Class {
    /// All, in the order of printing.
    pub const ALL: [Self; 9] = [
        Self::Weights,
        Self::Activations,
        Self::Tables,
        Self::Kept,
        Self::Noise,
        Self::Slots,
        Self::Constants,
        Self::Parameters,
        Self::Staging,
    ];

    /// As it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Activations => "activations",
            Self::Tables => "tables",
            Self::Kept => "kept",
            Self::Noise => "noise",
            Self::Slots => "slots",
            Self::Constants => "constants",
            Self::Parameters => "parameters",
            Self::Staging => "staging",
        }
    }
}

/// Whose memory a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A slab of the plan, by position.
    Slab(usize),
    /// A value with memory of its own.
    Value(ValueId),
    /// A slot's copy for the host.
    Staged(Slot),
    /// The backend's own, by its label.
    Backend(&'static str),
}

/// A piece of memory of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// What it is for.
    pub class: Class,
    /// Whose it is.
    pub owner: Owner,
    /// For debuggers and error messages.
    pub label: String,
    /// Bytes, as allocated.
    pub bytes: u64,
}

/// Slabs, kept values, slots and constants of a session with room for `draws` step noises. Backends add what is theirs.
pub fn regions(planned: &Planned, draws: usize) -> Vec<Region> {
    let (program, plan) = (&planned.program, &planned.plan);
    let slabs = plan.slabs.iter().enumerate().map(|(at, &bytes)| Region {
        class: Class::Activations,
        owner: Owner::Slab(at),
        label: format!("slab {at}"),
        bytes,
    });
    let own = plan.own.iter().chain(&plan.constants).map(|&(value, bytes)| {
        let (class, times) = match program.values[value.index()].origin {
            Origin::Slot(Slot::Rows) => (Class::Tables, 1),
            Origin::Slot(Slot::Noise) => (Class::Noise, draws.max(1)),
            Origin::Slot(_) => (Class::Slots, 1),
            Origin::Constant(_) => (Class::Constants, 1),
            Origin::Node | Origin::Leaf(_) | Origin::View { .. } => (Class::Kept, 1),
        };
        Region {
            class,
            owner: Owner::Value(value),
            label: program.describe(value),
            bytes: bytes * times as u64,
        }
    });
    slabs.chain(own).collect()
}
