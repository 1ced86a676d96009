//! What follows a norm point by point is done by the norm: its rows are in registers there.

use super::Verdict;
use crate::graph::Node;
use crate::ops::{Act, Op};
use crate::program::Program;

/// Rewrites `layer_norm` followed by `modulate`.
pub fn modulate(_: &Program, producer: &Node, reader: &Node) -> Verdict {
    let (Op::LayerNorm(norm), Op::Modulate(modulate)) = (&producer.op, &reader.op) else {
        return Verdict::Other;
    };
    if norm.modulate.is_some() {
        return Verdict::NotFused("the norm is modulated already");
    }
    if reader.inputs[0] != producer.output {
        return Verdict::NotFused("the norm makes the modulation");
    }
    let mut op = *norm;
    op.modulate = Some(modulate.rows);
    let inputs = producer.inputs.iter().copied().chain([reader.inputs[1]]).collect();
    Verdict::Fused(Node { op: op.into(), inputs, output: reader.output, ..producer.clone() })
}

/// Rewrites `group_norm` followed by `activation`.
pub fn activation(_: &Program, producer: &Node, reader: &Node) -> Verdict {
    let (Op::GroupNorm(norm), Op::Activation(a)) = (&producer.op, &reader.op) else { return Verdict::Other };
    if norm.act != Act::None || a.input_scale != 1.0 || a.output_scale != 1.0 {
        return Verdict::NotFused("the activation scales its operand, or there is one already");
    }
    let mut op = *norm;
    op.act = a.act;
    Verdict::Fused(Node { op: op.into(), output: reader.output, ..producer.clone() })
}
