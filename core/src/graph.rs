//! Recording: a list of nodes over values with static shapes. Model code calls the recording methods (one per op, in
//! `ops/`), which check shapes and panic at the *caller's* line, since a wrong shape is a mistake in model code.

use std::panic::Location;

use crate::ops::Op;
use crate::shape::{DType, Shape};
use crate::weights::{LeafId, Role};

/// A value of a [`Graph`] or, after the passes, of a [`Program`](crate::program::Program).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl ValueId {
    /// The position in the list of values.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Memory of a session that exists whatever the graph records: inputs, sampler state, tables, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// Token ids of one text encoder, `[P, T]` u32.
    Tokens(u8),
    /// Number of real tokens per prompt of one text encoder, `[P]` u32.
    Lengths(u8),
    /// Timesteps of the schedule: recorded as `[1]`, evaluated as `[R]`, f32.
    Timestep,
    /// Input picture as a latent (image to image, inpainting), `[n, H, W, C]` f32.
    Picture,
    /// Sampler state, flat f32: six planes of `[n, H, W, C]` (x, h1, h2, h3, s, denoised), then the row counter as a number,
    /// padded to 64 elements.
    State,
    /// Step noise, `[draws, n, H, W, C]` f32.
    Noise,
    /// The packed tables, `[R, row]` f32: the sampler's row first, then every hoisted schedule value.
    Rows,
    /// The current row: a copy of one row of `Rows`.
    Row,
    /// Finished picture, `[n, H, W]`, RGBA8 packed in u32; alpha is 0 where the decoder gave NaN or infinity.
    Pixels,
    /// Preview picture, packed as `Pixels`.
    Preview,
}

/// What a value's content depends on.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A weight.
    Leaf(LeafId),
    /// Host data known while recording, an index into [`Graph::constants`].
    Constant(usize),
    /// Session memory.
    Slot(Slot),
    /// Made by a node.
    Node,
    /// The same memory as another value from element `offset` on (reshape, sub-range).
    View {
        /// The value whose memory it is.
        of: ValueId,
        /// First element.
        offset: usize,
    },
}

/// A recorded value.
#[derive(Clone, Debug)]
pub struct Value {
    /// Static shape.
    pub shape: Shape,
    /// Storage type.
    pub dtype: DType,
    /// Where it comes from.
    pub origin: Origin,
}

/// Host data that a model needs and no file holds: position tables, bucket indices, preview factors.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// What it is, for printing.
    pub name: String,
    /// How kernels read it.
    pub role: Role,
    /// Row-major content.
    pub data: ConstantData,
}

/// Content of a [`Constant`].
#[derive(Clone, Debug, PartialEq)]
pub enum ConstantData {
    /// Floats.
    F32(Vec<f32>),
    /// Integers.
    U32(Vec<u32>),
}

/// One op with its operands.
#[derive(Clone, Debug)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// Operands, in the order that the op documents.
    pub inputs: Vec<ValueId>,
    /// The value it makes, or the slot it writes.
    pub output: ValueId,
    /// Module path as in the weights' names, e.g. `transformer_blocks.0.attn1.to_q`.
    pub label: String,
    /// The line of model code that recorded it.
    pub location: &'static Location<'static>,
}

/// A recording.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// All values.
    pub values: Vec<Value>,
    /// All nodes, in recorded order, which is a valid order.
    pub nodes: Vec<Node>,
    /// Host data.
    pub constants: Vec<Constant>,
    scope: Vec<String>,
}

impl Graph {
    /// An empty recording.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shape of a value.
    pub fn shape(&self, value: ValueId) -> &Shape {
        &self.values[value.index()].shape
    }

    /// Records what `body` records with `name` put before its labels.
    pub fn scope<T>(&mut self, name: impl Into<String>, body: impl FnOnce(&mut Self) -> T) -> T {
        self.scope.push(name.into());
        let made = body(self);
        self.scope.pop();
        made
    }

    /// The label under which something recorded here would be known.
    pub fn label(&self, name: &str) -> String {
        let mut path = self.scope.join(".");
        if !name.is_empty() {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        path
    }

    /// A weight of the given shape (f32 as far as recording goes: its encoding is a matter of the layout).
    pub fn leaf(&mut self, leaf: LeafId, shape: impl Into<Shape>) -> ValueId {
        self.unique(Origin::Leaf(leaf), shape.into(), DType::F32)
    }

    /// A session slot.
    pub fn slot(&mut self, slot: Slot, shape: impl Into<Shape>, dtype: DType) -> ValueId {
        self.unique(Origin::Slot(slot), shape.into(), dtype)
    }

    /// Floats known while recording.
    #[track_caller]
    pub fn constant(&mut self, name: &str, role: Role, shape: impl Into<Shape>, data: Vec<f32>) -> ValueId {
        let shape = shape.into();
        assert_eq!(shape.len(), data.len(), "constant {name}: {shape} needs {} elements", shape.len());
        self.push_constant(name, role, shape, DType::F32, ConstantData::F32(data))
    }

    /// Indices known while recording.
    #[track_caller]
    pub fn constant_u32(&mut self, name: &str, shape: impl Into<Shape>, data: Vec<u32>) -> ValueId {
        let shape = shape.into();
        assert_eq!(shape.len(), data.len(), "constant {name}: {shape} needs {} elements", shape.len());
        self.push_constant(name, Role::Vector, shape, DType::U32, ConstantData::U32(data))
    }

    /// The same memory with another shape. The element counts must agree.
    #[track_caller]
    pub fn reshape(&mut self, of: ValueId, shape: impl Into<Shape>) -> ValueId {
        let shape = shape.into();
        let have = self.shape(of);
        assert_eq!(have.len(), shape.len(), "reshape: {have} does not hold the elements of {shape}");
        let dtype = self.values[of.index()].dtype;
        self.push(Value { shape, dtype, origin: Origin::View { of, offset: 0 } })
    }

    /// A contiguous sub-range of a value's memory, from element `offset` on.
    #[track_caller]
    pub fn view(&mut self, of: ValueId, offset: usize, shape: impl Into<Shape>) -> ValueId {
        let shape = shape.into();
        let have = self.shape(of);
        assert!(offset + shape.len() <= have.len(), "view: {shape} at element {offset} leaves {have}");
        let dtype = self.values[of.index()].dtype;
        self.push(Value { shape, dtype, origin: Origin::View { of, offset } })
    }

    /// Records a node that makes a new value. What the op's shape rule refuses is a panic at the caller's line.
    #[track_caller]
    pub fn record(&mut self, op: Op, inputs: &[ValueId], name: &str) -> ValueId {
        let label = self.label(name);
        let shapes: Vec<&Shape> = inputs.iter().map(|&v| self.shape(v)).collect();
        let shape = op.output_shape(&shapes).unwrap_or_else(|why| panic!("{} `{label}`: {why}", op.name()));
        let output = self.push(Value { shape, dtype: op.output_dtype(), origin: Origin::Node });
        self.nodes.push(Node { op, inputs: inputs.to_vec(), output, label, location: Location::caller() });
        output
    }

    /// Records a node that writes a slot in place of making a value.
    #[track_caller]
    pub fn record_into(&mut self, op: Op, inputs: &[ValueId], output: ValueId, name: &str) {
        let label = self.label(name);
        self.nodes.push(Node { op, inputs: inputs.to_vec(), output, label, location: Location::caller() });
    }

    /// The value whose memory `value` uses, and the first element in it.
    pub fn base(&self, value: ValueId) -> (ValueId, usize) {
        base(&self.values, value)
    }

    pub(crate) fn push(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() as u32 - 1)
    }

    fn push_constant(
        &mut self,
        name: &str,
        role: Role,
        shape: Shape,
        dtype: DType,
        data: ConstantData,
    ) -> ValueId {
        let constant = Constant { name: self.label(name), role, data };
        let at = self.constants.iter().position(|c| c.data == constant.data && c.role == constant.role);
        let at = at.unwrap_or_else(|| {
            self.constants.push(constant);
            self.constants.len() - 1
        });
        self.unique(Origin::Constant(at), shape, dtype)
    }

    fn unique(&mut self, origin: Origin, shape: Shape, dtype: DType) -> ValueId {
        let same = |v: &Value| v.origin == origin && v.shape == shape && v.dtype == dtype;
        match self.values.iter().position(same) {
            Some(at) => ValueId(at as u32),
            None => self.push(Value { shape, dtype, origin }),
        }
    }
}

/// Follows views to the value that owns the memory; the second part is the first element in it.
pub fn base(values: &[Value], mut value: ValueId) -> (ValueId, usize) {
    let mut at = 0;
    while let Origin::View { of, offset } = values[value.index()].origin {
        value = of;
        at += offset;
    }
    (value, at)
}
