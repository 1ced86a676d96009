//! The backend: a device with its memory, its pipelines and core's trait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onelaunch_core::backend::{Backend, Choice, CompileError, Operand, Planned, Unsupported};
use onelaunch_core::maybe::{Listener, MaybeFuture};
use onelaunch_core::memory::Region;
use onelaunch_core::ops::Op;
use onelaunch_core::weights::{Encoding, Layout, Leaf, LeafId};
use onelaunch_core::{Caps, DeviceError};

use crate::buffers::Memory;
use crate::compile::{self, Kernel, KernelKey, WgpuExecutable};
use crate::device::{self, OpenError, Select};
use crate::health::Health;
use crate::ops::{Site, launch};
use crate::session::WgpuSession;
use crate::weights::{self, WgpuWeights};

/// A wgpu device as a backend.
#[derive(Clone, Debug)]
pub struct WgpuBackend {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) caps: Caps,
    pub(crate) memory: Memory,
    pub(crate) health: Health,
    /// Pipelines, shared by all programs.
    kernels: Arc<Mutex<BTreeMap<KernelKey, Kernel>>>,
}

impl WgpuBackend {
    /// Opens a device.
    ///
    /// # Errors
    /// Where there is no such adapter, or it gives no device.
    pub async fn new(select: &Select) -> Result<Self, DeviceError> {
        Ok(Self::open_device(select).await?)
    }

    /// Opens a device, and tells why there is none as something to decide by.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_device(select: &Select) -> Result<Self, OpenError> {
        let (info, device, queue) = device::open(select).await?;
        Ok(Self::from_device(&info, device, queue, select.budget))
    }

    /// Uses an embedder's device. Its features and limits are taken as they are; its error and loss callbacks are replaced.
    pub fn from_device(
        info: &wgpu::AdapterInfo,
        device: wgpu::Device,
        queue: wgpu::Queue,
        budget: Option<u64>,
    ) -> Self {
        let caps = crate::caps::caps(info, device.features(), &device.limits());
        let health = Health::watch(&device);
        let memory = Memory::new(&device, budget);
        Self { device, queue, caps, memory, health, kernels: Arc::default() }
    }

    /// What a failed call means: the loss of the device, if that is what is behind it. wgpu tells of a loss only when it is polled.
    pub(crate) fn failure(&self, why: String) -> DeviceError {
        // How the poll itself ends does not matter: its callbacks are what is wanted.
        let _ = self.device.poll(wgpu::PollType::Poll);
        let other = || match cfg!(target_arch = "wasm32") {
            // What is mapped here can be mapped: a browser refuses only when the device is gone, which it may tell later.
            true => DeviceError::DeviceLost(why),
            false => DeviceError::Other(why),
        };
        self.health.check().err().unwrap_or_else(other)
    }

    /// What went wrong outside of any call, if something did: a lost device above all.
    ///
    /// # Errors
    /// That.
    pub fn check(&self) -> Result<(), DeviceError> {
        self.health.check()
    }

    /// Makes the kernels of a program ready before it is compiled, with no weights needed: while they load, for example. `progress` hears
    /// of those that were not ready yet. In browsers this compiles all at once and keeps the queue free.
    ///
    /// # Errors
    /// A kernel that the driver refuses, a node that has none, or a device that failed.
    pub async fn warm(
        &self,
        planned: &Planned,
        progress: Listener<'_, (usize, usize)>,
    ) -> Result<(), CompileError> {
        compile::warm(self, planned, progress).await
    }

    /// Pipelines made so far.
    pub(crate) fn known(&self) -> MutexGuard<'_, BTreeMap<KernelKey, Kernel>> {
        self.kernels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the device back at once, with everything on it. What still uses it gets [`DeviceError::DeviceLost`].
    pub fn destroy(&self) {
        self.device.destroy();
    }

    /// Bytes of device memory in use by all weights and sessions.
    pub fn bytes_used(&self) -> u64 {
        self.memory.used()
    }

    /// The device, for an embedder that shares it.
    pub fn device(&self) -> (&wgpu::Device, &wgpu::Queue) {
        (&self.device, &self.queue)
    }
}

/// The kernel for an op on any device with such caps.
///
/// # Errors
/// Where no kernel fits.
pub fn choose(
    caps: &Caps,
    op: &Op,
    node: &str,
    inputs: &[Operand],
    output: &Operand,
) -> Result<Choice, Unsupported> {
    let site = Site { caps, inputs, output, bases: &vec![0; inputs.len()] };
    match launch(op, &site) {
        Ok(launch) => Ok(Choice { kernel: launch.shader.name.into(), scratch: 0, dispatches: 1 }),
        Err(reason) => Err(Unsupported { backend: "wgpu", op: op.name(), node: node.into(), reason }),
    }
}

impl Backend for WgpuBackend {
    type Weights = WgpuWeights;
    type Executable = WgpuExecutable;
    type Session = WgpuSession;

    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn choose(
        &self,
        op: &Op,
        node: &str,
        inputs: &[Operand],
        output: &Operand,
    ) -> Result<Choice, Unsupported> {
        choose(&self.caps, op, node, inputs, output)
    }

    fn layout(&self, leaf: &Leaf, stored: Encoding) -> Layout {
        crate::layout::layout(leaf, stored)
    }

    fn regions(&self, planned: &Planned, draws: usize) -> Result<Vec<Region>, Unsupported> {
        let params = compile::launches(&self.caps, planned)?.params.len() as u64;
        Ok(crate::regions::regions(planned, draws, params))
    }

    fn weights<'a>(
        &'a self,
        leaves: &'a [(Leaf, Layout)],
    ) -> MaybeFuture<'a, Result<WgpuWeights, DeviceError>> {
        Box::pin(weights::allocate(self, leaves))
    }

    fn write<'a>(
        &'a self,
        weights: &'a WgpuWeights,
        leaf: LeafId,
        at: u64,
        bytes: &'a [u8],
    ) -> MaybeFuture<'a, Result<(), DeviceError>> {
        Box::pin(weights::write(self, weights, leaf, at, bytes))
    }

    fn compile<'a>(
        &'a self,
        planned: Planned,
        progress: Listener<'a, (usize, usize)>,
    ) -> MaybeFuture<'a, Result<WgpuExecutable, CompileError>> {
        Box::pin(compile::compile(self, planned, progress))
    }

    fn open<'a>(
        &'a self,
        executable: &'a Arc<WgpuExecutable>,
        weights: &'a Arc<WgpuWeights>,
        draws: usize,
    ) -> MaybeFuture<'a, Result<WgpuSession, DeviceError>> {
        Box::pin(WgpuSession::open(self, executable, weights, draws))
    }
}
