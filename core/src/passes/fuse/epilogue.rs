//! Activation, gate and residual behind a matrix op become its epilogue: act → gate → residual → last, in this order.

use super::Verdict;
use crate::graph::Node;
use crate::ops::{Act, BinaryKind, Epilogue, Op};
use crate::program::Program;

/// Rewrites `linear` or `conv2d` followed by `activation`, `gate` or a sum.
pub fn fuse(program: &Program, producer: &Node, reader: &Node) -> Verdict {
    let (epilogue, is_linear) = match &producer.op {
        Op::Linear(op) => (op.epilogue, true),
        Op::Conv2d(op) => (op.epilogue, false),
        _ => return Verdict::Other,
    };
    let mut next = epilogue;
    let mut inputs = producer.inputs.clone();
    match &reader.op {
        Op::Activation(a) => {
            if a.input_scale != 1.0 || a.output_scale != 1.0 {
                return Verdict::NotFused("the activation scales its operand");
            }
            if epilogue.last != Act::None {
                return Verdict::NotFused("there is a last activation already");
            }
            if epilogue.residual || epilogue.gate.is_some() || epilogue.act != Act::None || epilogue.glu {
                next.last = a.act;
            } else {
                next.act = a.act;
            }
        }
        Op::Gate(gate) => {
            if !is_linear {
                return Verdict::NotFused("convolutions have no gate");
            }
            if reader.inputs[0] != producer.output {
                return Verdict::NotFused("the product is the gate, not what is gated");
            }
            if epilogue.gate.is_some() || epilogue.residual || epilogue.last != Act::None {
                return Verdict::NotFused("the epilogue is past its gate");
            }
            next.gate = Some(gate.row);
            inputs.push(reader.inputs[1]);
        }
        Op::Binary(b) if b.kind == BinaryKind::Add => {
            if epilogue.residual || epilogue.last != Act::None {
                return Verdict::NotFused("the epilogue is past its residual");
            }
            let other = if reader.inputs[0] == producer.output { reader.inputs[1] } else { reader.inputs[0] };
            if program.shape(other) != program.shape(producer.output) {
                return Verdict::NotFused("the other summand broadcasts");
            }
            if other == producer.output {
                return Verdict::NotFused("both summands are the product");
            }
            next.residual = true;
            inputs.push(other);
        }
        _ => return Verdict::Other,
    }
    let op = with_epilogue(&producer.op, next);
    Verdict::Fused(Node { op, inputs, output: reader.output, ..producer.clone() })
}

fn with_epilogue(op: &Op, epilogue: Epilogue) -> Op {
    let mut op = op.clone();
    if let Op::Linear(op) = &mut op {
        op.epilogue = epilogue;
    }
    if let Op::Conv2d(op) = &mut op {
        op.epilogue = epilogue;
    }
    op
}
