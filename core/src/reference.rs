//! The CPU reference: runs a program by calling each op's `reference`. It is the oracle of the conformance tests, and what makes
//! pictures where there is no GPU.

mod memory;
mod session;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use crate::backend::{Backend, Choice, CompileError, DeviceError, Operand, Planned, Unsupported};
use crate::caps::Caps;
use crate::maybe::{Listener, MaybeFuture};
use crate::memory::{Region, regions};
use crate::ops::Op;
use crate::weights::{Encoding, Layout, Leaf, LeafId, Role};
pub use session::CpuSession;

/// Something that lets the host do other work, awaited between slices: in a worker a `MessageChannel` turn.
#[cfg(not(target_arch = "wasm32"))]
pub type Yield = Arc<dyn Fn() -> MaybeFuture<'static, ()> + Send + Sync>;
/// Something that lets the host do other work, awaited between slices: in a worker a `MessageChannel` turn.
#[cfg(target_arch = "wasm32")]
pub type Yield = Arc<dyn Fn() -> MaybeFuture<'static, ()>>;

/// The CPU as a backend.
pub struct CpuBackend {
    caps: Caps,
    yielder: Option<Yield>,
}

/// Weights, all in f32.
#[derive(Debug, Default)]
pub struct CpuWeights {
    leaves: BTreeMap<LeafId, CpuLeaf>,
}

/// One leaf.
#[derive(Debug)]
struct CpuLeaf {
    data: RwLock<Vec<f32>>,
    transposed: bool,
}

impl CpuBackend {
    /// With `yielder`, work is done in slices of at most 50 ms with a yield between them; without, in whole ops on all threads.
    pub fn new(yielder: Option<Yield>) -> Self {
        Self { caps: Caps::reference(), yielder }
    }
}

impl Backend for CpuBackend {
    type Weights = CpuWeights;
    type Executable = Planned;
    type Session = CpuSession;

    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn choose(&self, op: &Op, _: &str, _: &[Operand], _: &Operand) -> Result<Choice, Unsupported> {
        Ok(Choice { kernel: format!("{}/reference", op.name()), scratch: 0, dispatches: 1 })
    }

    fn layout(&self, leaf: &Leaf, _: Encoding) -> Layout {
        Layout::new(leaf, Encoding::F32, leaf.role == Role::Matrix, [1, 1])
    }

    fn regions(&self, planned: &Planned, draws: usize) -> Result<Vec<Region>, Unsupported> {
        Ok(regions(planned, draws))
    }

    fn weights<'a>(
        &'a self,
        leaves: &'a [(Leaf, Layout)],
    ) -> MaybeFuture<'a, Result<CpuWeights, DeviceError>> {
        let needed = leaves.iter().map(|(_, layout)| layout.bytes).sum();
        let made = leaves.iter().map(|(leaf, layout)| {
            let data = RwLock::new(memory::zeros(layout.bytes as usize / 4, needed)?);
            Ok((leaf.id, CpuLeaf { data, transposed: layout.transpose }))
        });
        let weights = made.collect::<Result<_, _>>().map(|leaves| CpuWeights { leaves });
        Box::pin(std::future::ready(weights))
    }

    fn write<'a>(
        &'a self,
        weights: &'a CpuWeights,
        leaf: LeafId,
        at: u64,
        bytes: &'a [u8],
    ) -> MaybeFuture<'a, Result<(), DeviceError>> {
        let result = weights.write(leaf, at as usize, bytes);
        Box::pin(std::future::ready(result))
    }

    fn compile<'a>(
        &'a self,
        planned: Planned,
        progress: Listener<'a, (usize, usize)>,
    ) -> MaybeFuture<'a, Result<Planned, CompileError>> {
        progress((1, 1));
        Box::pin(std::future::ready(Ok(planned)))
    }

    fn open<'a>(
        &'a self,
        executable: &'a Arc<Planned>,
        weights: &'a Arc<CpuWeights>,
        draws: usize,
    ) -> MaybeFuture<'a, Result<CpuSession, DeviceError>> {
        let session = CpuSession::new(executable.clone(), weights.clone(), draws, self.yielder.clone());
        Box::pin(std::future::ready(session))
    }
}

impl CpuWeights {
    fn write(&self, leaf: LeafId, at: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        let missing = || DeviceError::Usage(format!("no memory was made for leaf {}", leaf.0));
        let mut to = self.leaves.get(&leaf).ok_or_else(missing)?.data.write().map_err(|_| missing())?;
        let to: &mut [u8] = bytemuck::cast_slice_mut(&mut to);
        let length = to.len();
        let to = to.get_mut(at..at + bytes.len()).ok_or_else(|| {
            DeviceError::Usage(format!("leaf {} has {length} bytes, not {}", leaf.0, at + bytes.len()))
        })?;
        to.copy_from_slice(bytes);
        Ok(())
    }
}
