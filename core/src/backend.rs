//! What a backend is: two traits, from a program to pixels. Model code and passes never see them; only the pipeline and the tests are
//! generic over them.

use crate::caps::Caps;
use crate::graph::Node;
use crate::image::{Chunk, Image, Pixels};
use crate::maybe::{Listener, MaybeFuture, WasmNotSendSync};
use crate::memory::Region;
use crate::ops::Op;
use crate::passes::plan::Plan;
use crate::program::Program;
use crate::shape::{DType, Shape};
use crate::weights::{Encoding, Layout, Leaf, LeafId};

/// An operand or output as kernel choice sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Its shape.
    pub shape: Shape,
    /// How it is stored.
    pub dtype: DType,
    /// How it is encoded, if it is a weight.
    pub encoding: Option<Encoding>,
}

/// A kernel for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name, as `inspect` prints it.
    pub kernel: String,
    /// Bytes that it needs besides operands and output.
    pub scratch: u64,
    /// Launches it takes.
    pub dispatches: u32,
}

/// An op that a backend cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{backend} cannot run {op} `{node}`: {reason}")]
pub struct Unsupported {
    /// Which backend.
    pub backend: &'static str,
    /// The op's name.
    pub op: &'static str,
    /// The node's label.
    pub node: String,
    /// Why.
    pub reason: String,
}

/// What can go wrong while a program is compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// A node that the device cannot run.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The driver refused a kernel.
    #[error("the driver refused kernel {kernel}: {reason}")]
    Kernel {
        /// Its name.
        kernel: String,
        /// The driver's words.
        reason: String,
    },
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// What can go wrong on a device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The image was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The device is gone: load again.
    #[error("the device was lost ({0}): load the model again")]
    DeviceLost(String),
    /// Memory ran out.
    #[error("out of device memory: {needed} bytes needed{}: make a smaller picture or fewer at once",
        .free.map_or(String::new(), |f| format!(", {f} free")))]
    OutOfMemory {
        /// Bytes asked for.
        needed: u64,
        /// Bytes free, where the device tells.
        free: Option<u64>,
    },
    /// What the caller asked does not fit the session.
    #[error("{0}")]
    Usage(String),
    /// Anything else the driver said.
    #[error("the device failed: {0}")]
    Other(String),
}

/// A program with its memory and kernels: what `compile` takes.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What to compute.
    pub program: Program,
    /// Where values lie.
    pub plan: Plan,
    /// The kernel of every node, by part and node.
    pub choices: Vec<Vec<Choice>>,
    /// Encoding of each leaf the program reads.
    pub encodings: std::collections::BTreeMap<LeafId, Encoding>,
}

impl Planned {
    /// The operands of a node, then its output, as kernel choice sees them.
    pub fn operands(&self, node: &Node) -> (Vec<Operand>, Operand) {
        operands(&self.program, &self.encodings, node)
    }
}

/// The operands of a node and its output.
pub fn operands(
    program: &Program,
    encodings: &std::collections::BTreeMap<LeafId, Encoding>,
    node: &Node,
) -> (Vec<Operand>, Operand) {
    let one = |v: crate::graph::ValueId| {
        let value = &program.values[v.index()];
        let encoding = match value.origin {
            crate::graph::Origin::Leaf(leaf) => encodings.get(&leaf).copied(),
            _ => None,
        };
        Operand { shape: value.shape.clone(), dtype: value.dtype, encoding }
    };
    (node.inputs.iter().map(|&v| one(v)).collect(), one(node.output))
}

/// A device that runs programs.
pub trait Backend: WasmNotSendSync + 'static {
    /// Buffers of a model's weights; one per model and device.
    type Weights: WasmNotSendSync + 'static;
    /// Pipelines and plan: shared, immutable, owns no activation memory.
    type Executable: WasmNotSendSync + 'static;
    /// One image in flight.
    type Session: Session;

    /// What the device can do.
    fn caps(&self) -> &Caps;
    /// The kernel for an op, from shapes and caps alone. `node` is the label for the error.
    fn choose(
        &self,
        op: &Op,
        node: &str,
        inputs: &[Operand],
        output: &Operand,
    ) -> Result<Choice, Unsupported>;
    /// How a leaf lies in device memory; `stored` is the file's encoding. The same for every program.
    fn layout(&self, leaf: &Leaf, stored: Encoding) -> Layout;
    /// What `open` allocates for a planned program, to the byte, from shapes and caps alone.
    ///
    /// # Errors
    /// [`Unsupported`] for a node that the device cannot run.
    fn regions(&self, planned: &Planned, draws: usize) -> Result<Vec<Region>, Unsupported>;
    /// Allocates memory for leaves.
    fn weights<'a>(
        &'a self,
        leaves: &'a [(Leaf, Layout)],
    ) -> MaybeFuture<'a, Result<Self::Weights, DeviceError>>;
    /// Writes bytes of a leaf's layout from byte `at` on (a multiple of 4); waits while too much is in flight.
    fn write<'a>(
        &'a self,
        weights: &'a Self::Weights,
        leaf: LeafId,
        at: u64,
        bytes: &'a [u8],
    ) -> MaybeFuture<'a, Result<(), DeviceError>>;
    /// Makes kernels ready. Slow; takes no weights, so it overlaps with loading them. `progress` hears (done, of).
    fn compile<'a>(
        &'a self,
        planned: Planned,
        progress: Listener<'a, (usize, usize)>,
    ) -> MaybeFuture<'a, Result<Self::Executable, CompileError>>;
    /// Allocates a session for images that draw step noise at most `draws` times.
    fn open<'a>(
        &'a self,
        executable: &'a std::sync::Arc<Self::Executable>,
        weights: &'a std::sync::Arc<Self::Weights>,
        draws: usize,
    ) -> MaybeFuture<'a, Result<Self::Session, DeviceError>>;
}

/// What a session has done since it was opened, counted by the backend itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Queue submits or graph launches.
    pub submits: u64,
    /// Kernel launches.
    pub dispatches: u64,
    /// Copies to the host.
    pub readbacks: u64,
    /// Waits of the host for the device.
    pub waits: u64,
    /// Bytes allocated for the session.
    pub bytes: u64,
    /// Nanoseconds the host spent encoding and submitting.
    pub encode_ns: u64,
}

/// A submitted chunk: everything before this position of the dispatch list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Position behind the chunk's last dispatch.
    pub end: usize,
    /// Which submit of the session it was.
    pub serial: u64,
}

/// One image in flight.
pub trait Session: WasmNotSendSync + 'static {
    /// Uploads an image's inputs and fixes its dispatch list.
    fn begin<'a>(&'a mut self, image: &'a Image) -> MaybeFuture<'a, Result<(), DeviceError>>;
    /// The dispatch list fixed by `begin`.
    fn work(&self) -> &crate::image::Work;
    /// Queues a chunk. Never blocks, allocates nothing.
    fn submit(&mut self, chunk: Chunk) -> Result<Ticket, DeviceError>;
    /// Waits for a chunk without reading pixels.
    fn done<'a>(&'a self, ticket: &'a Ticket) -> MaybeFuture<'a, Result<(), DeviceError>>;
    /// Stops the image: what is not submitted yet never will be.
    fn cancel(&self);
    /// Waits for the image and reads its pixels: the only readback. `preview` reads the small picture instead.
    fn read(&self, ticket: Ticket, preview: bool) -> MaybeFuture<'_, Result<Pixels, DeviceError>>;
    /// Latents `[n, H, W, C]` f32 as they are now: for tests and tools, not part of making an image.
    fn latents(&self) -> MaybeFuture<'_, Result<Vec<f32>, DeviceError>>;
    /// What it has done so far.
    fn counters(&self) -> Counters;
}
