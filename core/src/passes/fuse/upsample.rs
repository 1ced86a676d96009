//! A convolution reads the small picture and skips the copy: the upsampled one would be four times its size.

use super::Verdict;
use crate::graph::Node;
use crate::ops::Op;
use crate::program::Program;

/// Rewrites `upsample` followed by `conv2d`.
pub fn fuse(_: &Program, producer: &Node, reader: &Node) -> Verdict {
    let (Op::Upsample(_), Op::Conv2d(conv)) = (&producer.op, &reader.op) else { return Verdict::Other };
    if conv.upsample {
        return Verdict::NotFused("the convolution upsamples already");
    }
    if reader.inputs[0] != producer.output {
        return Verdict::NotFused("the upsampled value is the residual");
    }
    let mut op = *conv;
    op.upsample = true;
    let mut inputs = reader.inputs.clone();
    inputs[0] = producer.inputs[0];
    Verdict::Fused(Node { op: op.into(), inputs, ..reader.clone() })
}
