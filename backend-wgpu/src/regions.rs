//! Memory of a session: the list of its buffers, pure and known before anything is allocated, and the buffers themselves.

use std::collections::BTreeMap;

use onelaunch_core::DeviceError;
use onelaunch_core::backend::Planned;
use onelaunch_core::graph::{Origin, Slot, ValueId};
use onelaunch_core::memory::{Class, Owner, Region, regions as planned_regions};

use crate::backend::WgpuBackend;
use crate::buffers::Buffer;
use crate::caps::ALIGNMENT;
use crate::compile::WgpuExecutable;
use crate::constants;

/// What can be copied to the host.
const STAGED: [Slot; 3] = [Slot::Pixels, Slot::Preview, Slot::State];
/// Holds the parameters of every launch.
const PARAMS: Owner = Owner::Backend("params");
/// Mapped to wait for submits: as many as are in flight, and two for hosts that wait late.
const FENCES: [Owner; 4] = [
    Owner::Backend("fence 0"),
    Owner::Backend("fence 1"),
    Owner::Backend("fence 2"),
    Owner::Backend("fence 3"),
];
/// Bytes of a fence as allocated.
const FENCE_BYTES: u64 = 16;
/// Bound where a kernel variant has a binding that its launch does not use.
const DUMMY: Owner = Owner::Backend("dummy");

/// The buffers of a session; `params` is how many bytes its launches' parameters take.
pub(crate) fn regions(planned: &Planned, draws: usize, params: u64) -> Vec<Region> {
    let program = &planned.program;
    let mut all = planned_regions(planned, draws);
    for region in &mut all {
        if let Owner::Value(value) = region.owner
            && let Origin::Constant(at) = program.values[value.index()].origin
        {
            // Matrices are padded like leaves.
            region.bytes = constants::size(&program.constants[at], &program.values[value.index()]);
        }
        region.bytes = region.bytes.next_multiple_of(ALIGNMENT).max(ALIGNMENT);
    }
    let params = params.next_multiple_of(ALIGNMENT).max(ALIGNMENT);
    all.push(Region { class: Class::Parameters, owner: PARAMS, label: "params".into(), bytes: params });
    all.push(Region { class: Class::Parameters, owner: DUMMY, label: "dummy".into(), bytes: ALIGNMENT });
    for owner in FENCES {
        let label = "fence".into();
        all.push(Region { class: Class::Staging, owner, label, bytes: FENCE_BYTES });
    }
    for slot in STAGED {
        if let Some(value) = program.slot(slot) {
            let bytes =
                (program.shape(value).len() * program.dtype(value).bytes()).next_multiple_of(16) as u64;
            let label = format!("staging {slot:?}");
            all.push(Region { class: Class::Staging, owner: Owner::Staged(slot), label, bytes });
        }
    }
    all
}

/// All memory of a session.
#[derive(Debug)]
pub(crate) struct Buffers {
    made: BTreeMap<Owner, Buffer>,
    /// Bytes of all.
    pub bytes: u64,
}

impl Buffers {
    /// Creates everything at once, with constants and parameters written.
    pub(crate) async fn create(
        backend: &WgpuBackend,
        executable: &WgpuExecutable,
        draws: usize,
    ) -> Result<Self, DeviceError> {
        use wgpu::BufferUsages as U;
        let program = &executable.planned.program;
        let regions = regions(&executable.planned, draws, executable.params.len() as u64);
        let usage = |region: &Region| match region.owner {
            Owner::Staged(_) => U::MAP_READ | U::COPY_DST,
            fence if FENCES.contains(&fence) => U::MAP_READ | U::COPY_DST,
            PARAMS => U::UNIFORM | U::COPY_DST,
            Owner::Slab(_) | Owner::Value(_) | Owner::Backend(_) => U::STORAGE | U::COPY_DST | U::COPY_SRC,
        };
        let wanted: Vec<_> = regions.iter().map(|r| (r.label.clone(), r.bytes, usage(r))).collect();
        let made = backend.memory.create(&wanted).await?;
        let bytes = made.iter().map(|b| b.size()).sum();
        let made: BTreeMap<Owner, Buffer> = regions.iter().map(|r| r.owner).zip(made).collect();
        for &(value, _) in &executable.planned.plan.constants {
            let described = &program.values[value.index()];
            if let (Origin::Constant(at), Some(buffer)) = (&described.origin, made.get(&Owner::Value(value)))
            {
                let bytes = constants::bytes(&program.constants[*at], described);
                let mut bytes = bytes.map_err(|why| DeviceError::Usage(why.to_string()))?;
                bytes.resize(bytes.len().next_multiple_of(4), 0);
                backend.queue.write_buffer(buffer, 0, &bytes);
            }
        }
        let all = Self { made, bytes };
        if let Some(params) = all.params() {
            backend.queue.write_buffer(params, 0, &executable.params);
        }
        Ok(all)
    }

    /// Memory of a value, which has its own or shares a slab.
    pub(crate) fn of(&self, planned: &Planned, value: ValueId) -> Option<&Buffer> {
        let owner = planned.plan.place.get(&value).map_or(Owner::Value(value), |&slab| Owner::Slab(slab));
        self.made.get(&owner)
    }

    /// Parameters of all launches.
    pub(crate) fn params(&self) -> Option<&Buffer> {
        self.made.get(&PARAMS)
    }

    /// What unused bindings see.
    pub(crate) fn dummy(&self) -> Option<&Buffer> {
        self.made.get(&DUMMY)
    }

    /// What submits are waited for with.
    pub(crate) fn fences(&self) -> Vec<wgpu::Buffer> {
        FENCES.iter().filter_map(|fence| self.made.get(fence)).map(|buffer| (**buffer).clone()).collect()
    }

    /// Where a slot is copied to be mapped.
    pub(crate) fn staging(&self, slot: Slot) -> Option<&Buffer> {
        self.made.get(&Owner::Staged(slot))
    }

    /// Records the copy of a slot to where it can be mapped.
    pub(crate) fn stage(&self, encoder: &mut wgpu::CommandEncoder, planned: &Planned, slot: Slot) {
        let from = planned.program.slot(slot).and_then(|value| self.of(planned, value));
        if let (Some(from), Some(to)) = (from, self.staging(slot)) {
            encoder.copy_buffer_to_buffer(from, 0, to, 0, to.size().min(from.size()));
        }
    }
}
