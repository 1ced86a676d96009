//! `choose`: a kernel for every node, by the backend's pure function of op, shapes and caps.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::backend::{Choice, Operand, Unsupported, operands};
use crate::ops::Op;
use crate::program::Program;
use crate::weights::{Encoding, LeafId};

/// Op, label for errors, operands, output.
pub type Chooser<'a> = dyn Fn(&Op, &str, &[Operand], &Operand) -> Result<Choice, Unsupported> + 'a;

/// The choice for every node, by part and node.
///
/// # Errors
/// [`Unsupported`] names the first node that has no kernel.
pub fn choose(
    program: &Program,
    encodings: &BTreeMap<LeafId, Encoding>,
    chooser: &Chooser<'_>,
) -> Result<Vec<Vec<Choice>>, Unsupported> {
    let one = |node| {
        let (inputs, output) = operands(program, encodings, node);
        chooser(&node.op, &node.label, &inputs, &output)
    };
    program.parts.iter().map(|part| part.nodes.iter().map(one).collect()).collect()
}

/// One line per node.
pub fn print(program: &Program, choices: &[Vec<Choice>]) -> String {
    let mut text = String::new();
    for (part, row) in program.parts.iter().zip(choices) {
        let _ = writeln!(text, "{}", part.name());
        for (node, Choice { kernel, scratch, dispatches }) in part.nodes.iter().zip(row) {
            let _ = writeln!(
                text,
                "  {}: {kernel}, {dispatches} dispatch, {scratch} bytes of scratch",
                node.label
            );
        }
    }
    text
}
