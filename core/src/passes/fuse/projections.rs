//! Products of one operand become one product with wider weights: q, k and v of an attention, and the two halves of a gated
//! unit. These rewrites change leaves, so they depend on the recording of the model alone, never on a shape, and run before `hoist`.

use crate::graph::{Graph, Node, Origin, ValueId};
use crate::ops::{Act, BinaryKind, Epilogue, Linear, Op};
use crate::shape::Shape;
use crate::weights::{Leaf, LeafId, Leaves, Transform};

/// Merges products where it can; returns one line per merge.
pub fn merge_projections(graph: &mut Graph, leaves: &mut Leaves) -> Vec<String> {
    let mut report = Vec::new();
    let mut at = 0;
    while at < graph.nodes.len() {
        let merged = match graph.nodes[at].op {
            Op::Attention(_) => merge_attention(graph, leaves, at),
            Op::Binary(b) if b.kind == BinaryKind::Mul => merge_glu(graph, leaves, at),
            _ => None,
        };
        if let Some((removed, line)) = merged {
            report.push(line);
            at = at + 1 - removed;
        } else {
            at += 1;
        }
    }
    report
}

/// The node that makes a value, if it is a bare product that only `readers` nodes read.
fn bare_product(graph: &Graph, value: ValueId) -> Option<usize> {
    let at = graph.nodes.iter().position(|n| n.output == value)?;
    let Op::Linear(op) = &graph.nodes[at].op else { return None };
    let weight_is_leaf = leaf(graph, graph.nodes[at].inputs[1]).is_some();
    let reads = |n: &Node| n.inputs.iter().filter(|&&v| graph.base(v).0 == value).count();
    let read_once = graph.nodes.iter().map(reads).sum::<usize>() == 1;
    (op.epilogue == Epilogue::default() && weight_is_leaf && read_once).then_some(at)
}

fn leaf(graph: &Graph, value: ValueId) -> Option<LeafId> {
    match graph.values[value.index()].origin {
        Origin::Leaf(leaf) => Some(leaf),
        _ => None,
    }
}

/// Products `products` (positions, all of one operand) become one at the place of the first. Returns its output.
fn merge(
    graph: &mut Graph,
    leaves: &mut Leaves,
    products: &[usize],
    transform: &Transform,
    op: Linear,
) -> ValueId {
    let nodes: Vec<Node> = products.iter().map(|&p| graph.nodes[p].clone()).collect();
    let mut inputs = vec![nodes[0].inputs[0]];
    for operand in 1..=1 + usize::from(op.bias) {
        let parts: Vec<LeafId> = nodes.iter().filter_map(|n| leaf(graph, n.inputs[operand])).collect();
        let merged: &Leaf = leaves.merge(&parts, transform.clone());
        let (id, shape) = (merged.id, Shape(merged.shape.clone()));
        inputs.push(graph.leaf(id, shape));
    }
    let shapes: Vec<_> = inputs.iter().map(|&v| graph.shape(v)).collect();
    let shape = Op::from(op).output_shape(&shapes).expect("products of one operand fit side by side");
    let output =
        graph.push(crate::graph::Value { shape, dtype: crate::shape::DType::F32, origin: Origin::Node });
    let first = *products.iter().min().expect("there is a product");
    graph.nodes[first] = Node { op: op.into(), inputs, output, ..nodes[0].clone() };
    let mut rest: Vec<usize> = products.iter().copied().filter(|&p| p != first).collect();
    rest.sort_unstable();
    for at in rest.into_iter().rev() {
        graph.nodes.remove(at);
    }
    output
}

/// q, k and v (self-attention) or k and v (cross-attention) in one product.
fn merge_attention(graph: &mut Graph, leaves: &mut Leaves, at: usize) -> Option<(usize, String)> {
    let operands = graph.nodes[at].inputs[..3].to_vec();
    let products: Vec<Option<usize>> = operands.iter().map(|&v| bare_product(graph, v)).collect();
    let (k, v) = (products[1]?, products[2]?);
    let kind = |p: usize| {
        let Op::Linear(op) = &graph.nodes[p].op else { return None };
        let bias = if op.bias { Some(leaf(graph, graph.nodes[p].inputs[2])?) } else { None };
        Some((graph.nodes[p].inputs[0], bias.is_some()))
    };
    if kind(k)? != kind(v)? {
        return None;
    }
    let all = products[0].filter(|&q| kind(q) == kind(k));
    let chosen: Vec<usize> = all.into_iter().chain([k, v]).collect();
    let widths: Vec<usize> = chosen.iter().map(|&p| graph.shape(graph.nodes[p].output).last()).collect();
    let labels: Vec<_> = chosen.iter().map(|&p| graph.nodes[p].label.clone()).collect();
    let op = Linear { bias: kind(k)?.1, epilogue: Epilogue::default() };
    let removed = chosen.len() - 1;
    let output = merge(graph, leaves, &chosen, &Transform::Concat, op);
    let node = &mut graph.nodes[at - removed];
    let first = 3 - chosen.len();
    if let Op::Attention(attention) = &mut node.op {
        let mut column = 0;
        for (operand, width) in (first..3).zip(widths) {
            attention.columns[operand] = column;
            node.inputs[operand] = output;
            column += width;
        }
    }
    Some((removed, format!("one product: {}", labels.join(" + "))))
}

/// act(x wᵍ) · (x wᵛ): the columns interleave, so that both halves of a pair meet in one tile.
fn merge_glu(graph: &mut Graph, leaves: &mut Leaves, at: usize) -> Option<(usize, String)> {
    let [a, v] = graph.nodes[at].inputs[..] else { return None };
    let act_at = graph.nodes.iter().position(|n| n.output == a)?;
    let Op::Activation(act) = &graph.nodes[act_at].op else { return None };
    let act: Act = act.act;
    let (gate, value) = (bare_product(graph, graph.nodes[act_at].inputs[0])?, bare_product(graph, v)?);
    let same_operand = graph.nodes[gate].inputs[0] == graph.nodes[value].inputs[0];
    let (Op::Linear(g), Op::Linear(w)) = (&graph.nodes[gate].op, &graph.nodes[value].op) else { return None };
    if !same_operand || g.bias != w.bias || graph.shape(v) != graph.shape(a) {
        return None;
    }
    let bias_is_leaf = |p: usize| !g.bias || leaf(graph, graph.nodes[p].inputs[2]).is_some();
    if !bias_is_leaf(gate) || !bias_is_leaf(value) {
        return None;
    }
    let line = format!("gated unit: {} + {}", graph.nodes[gate].label, graph.nodes[value].label);
    let op = Linear { bias: g.bias, epilogue: Epilogue { act, glu: true, ..Epilogue::default() } };
    let product_output = graph.nodes[at].output;
    let merged = merge(graph, leaves, &[gate, value], &Transform::InterleaveRows, op);
    // The product's place in the list is the first of the two; the activation and the multiplication go.
    for node in &mut graph.nodes {
        if node.output == merged {
            node.output = product_output;
        }
    }
    let spent = |n: &Node| n.output == a || (n.output == product_output && matches!(n.op, Op::Binary(_)));
    let before = graph.nodes.len();
    graph.nodes.retain(|n| !spent(n));
    Some((before - graph.nodes.len() + 1, line))
}
