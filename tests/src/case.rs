//! A case: one op with operands, what its output is stored as, and what lies there before. Cases need neither files nor threads, so a
//! browser runs the same ones.

use onelaunch_core::ops::Op;
use onelaunch_core::shape::{DType, Shape};

use crate::operand::Input;

/// One op with everything it takes.
#[derive(Clone, Debug)]
pub struct Case {
    /// The op.
    pub op: Op,
    /// Its operands.
    pub inputs: Vec<Input>,
    /// The output's shape; of a slot the whole slot's.
    pub shape: Shape,
    /// How the output is stored.
    pub output: DType,
    /// Content of a slot before; everything else starts as NaN.
    pub before: Option<Vec<f32>>,
    /// Intermediate values are large, so rounding them shows: a line of its own in the table of tolerances.
    pub large: bool,
}

impl Case {
    /// An op whose output is a value of its own.
    ///
    /// # Panics
    /// Where the operands do not fit the op.
    #[must_use]
    pub fn new(op: impl Into<Op>, inputs: impl Into<Vec<Input>>) -> Self {
        let (op, inputs) = (op.into(), inputs.into());
        let shapes: Vec<&Shape> = inputs.iter().map(|i| &i.shape).collect();
        let shape = op.output_shape(&shapes).unwrap_or_else(|why| panic!("{op:?}: {why}"));
        let output = op.output_dtype();
        Self { op, inputs, shape, output, before: None, large: false }
    }

    /// An op that writes part of a slot which holds `before`.
    #[must_use]
    pub fn slot(op: impl Into<Op>, inputs: impl Into<Vec<Input>>, shape: Shape, before: Vec<f32>) -> Self {
        let output = DType::F32;
        Self { op: op.into(), inputs: inputs.into(), shape, output, before: Some(before), large: false }
    }

    /// With an output stored in `output`.
    #[must_use]
    pub fn stored_in(self, output: DType) -> Self {
        Self { output, ..self }
    }

    /// With large intermediate values.
    #[must_use]
    pub fn large(self) -> Self {
        Self { large: true, ..self }
    }

    /// Whether a device needs 16-bit floats for it.
    #[must_use]
    pub fn needs_f16(&self) -> bool {
        self.output == DType::F16 || self.inputs.iter().any(|i| i.dtype == DType::F16)
    }

    /// What the output's memory holds before.
    #[must_use]
    pub fn first(&self) -> Vec<f32> {
        self.before.clone().unwrap_or_else(|| vec![f32::NAN; self.shape.len()])
    }

    /// What failures call it.
    #[must_use]
    pub fn name(&self) -> String {
        let stored = |i: &Input| match i.weight {
            Some((_, encoding)) => format!("{}{}", encoding.name(), i.shape),
            None => format!("{}{}", i.dtype, i.shape),
        };
        let inputs: Vec<_> = self.inputs.iter().map(stored).collect();
        format!("{:?} of {} to {}{}", self.op, inputs.join(", "), self.output, self.shape)
    }
}
