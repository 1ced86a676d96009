//! Copies a classified recording into the parts of a program, and gives every value that crosses between parts its place.

use std::collections::BTreeMap;

use super::node_class;
use crate::graph::{Graph, Node, Origin, Slot, Value, ValueId, base};
use crate::ops::{Repeat, StoreTable};
use crate::program::{Part, PartKind, Program, Sources};
use crate::schedule::ROW_TIMESTEP;
use crate::shape::Shape;

/// The place of a value that crosses from a hoisted part to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    /// The value that is kept: everything without a schedule, and tables that another part reads.
    kept: Option<ValueId>,
    /// First column of its table, if the step reads it.
    column: Option<usize>,
}

/// Copies one graph into the program.
pub(super) struct Splitter<'a> {
    program: &'a mut Program,
    graph: &'a Graph,
    class: &'a [Sources],
    crossings: &'a mut BTreeMap<usize, Crossing>,
    prompts: usize,
    /// Values of the program for values of the graph, as nodes without a schedule see them.
    once: BTreeMap<ValueId, ValueId>,
    /// The same for nodes of a schedule part, which see all rows at once.
    all_rows: BTreeMap<ValueId, ValueId>,
    /// Columns of the tables that this graph fills.
    columns: BTreeMap<ValueId, usize>,
}

impl<'a> Splitter<'a> {
    pub fn new(
        program: &'a mut Program,
        graph: &'a Graph,
        class: &'a [Sources],
        crossings: &'a mut BTreeMap<usize, Crossing>,
        prompts: usize,
    ) -> Self {
        let (once, all_rows, columns) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { program, graph, class, crossings, prompts, once, all_rows, columns }
    }

    /// Makes the hoisted parts and the step.
    pub fn split(&mut self, guided: bool) {
        self.place_crossings(guided);
        let graph = self.graph;
        let mut sets: Vec<Sources> = graph.nodes.iter().map(|n| node_class(n, self.class)).collect();
        sets.sort_by_key(|s| (s.0.count_ones(), s.0));
        sets.dedup();
        for set in sets.into_iter().filter(|s| !s.contains(Sources::STATE)) {
            let nodes = self.hoisted(set);
            let prompts = if set.contains(Sources::PROMPT) { self.prompts } else { 0 };
            // What reads no prompt is the same for both variants of the step: the first one recorded it.
            if guided || prompts > 0 {
                self.program.parts.push(Part { kind: PartKind::Hoisted { sources: set, prompts }, nodes });
            }
        }
        let step = graph.nodes.iter().filter(|n| node_class(n, self.class).contains(Sources::STATE));
        let nodes = step.collect::<Vec<_>>().into_iter().map(|n| self.node(n)).collect();
        self.program.parts.push(Part { kind: PartKind::Step { guided }, nodes });
    }

    /// Copies a node that sees single rows.
    pub fn node(&mut self, node: &Node) -> Node {
        let inputs = node.inputs.iter().map(|&v| self.value(v)).collect();
        let output = self.value(node.output);
        Node { inputs, output, ..node.clone() }
    }

    /// The nodes of one class.
    fn hoisted(&mut self, set: Sources) -> Vec<Node> {
        let graph = self.graph;
        let mut nodes = Vec::new();
        let mut repeated = BTreeMap::new();
        for node in graph.nodes.iter().filter(|n| node_class(n, self.class) == set) {
            if !set.contains(Sources::SCHEDULE) {
                let copy = self.node(node);
                nodes.push(copy);
                continue;
            }
            let mut inputs = Vec::new();
            for &input in &node.inputs {
                let class = self.class[input.index()];
                inputs.push(if class.contains(Sources::SCHEDULE) {
                    self.value_of_all_rows(input)
                } else if class == Sources::CONSTANT {
                    self.value(input)
                } else {
                    // A prompt value meets every row: item i of R · P reads i mod P, which the batch rule cannot say.
                    let once = self.value(input);
                    *repeated.entry(once).or_insert_with(|| self.repeat(once, node, &mut nodes))
                });
            }
            let output = self.value_of_all_rows(node.output);
            if self.class[node.inputs[0].index()] == Sources::CONSTANT && !self.fits(node, &inputs, output) {
                // What does not change by row is modulated, or asks, by row: an op whose batch is its first operand's.
                let once = inputs[0];
                inputs[0] = *repeated.entry(once).or_insert_with(|| self.repeat(once, node, &mut nodes));
            }
            self.check(node, &inputs, output);
            nodes.push(Node { inputs, output, ..node.clone() });
            if let Some(&column) = self.columns.get(&node.output) {
                let rows = self.slot(Slot::Rows, [self.program.rows, 0].into());
                let op = StoreTable { column, rows: self.program.rows }.into();
                nodes.push(Node { op, inputs: vec![output], output: rows, ..node.clone() });
            }
        }
        nodes
    }

    /// Whether an op makes the output of these operands.
    fn fits(&self, node: &Node, inputs: &[ValueId], output: ValueId) -> bool {
        self.made(node, inputs).as_ref() == Ok(self.program.shape(output))
    }

    fn made(&self, node: &Node, inputs: &[ValueId]) -> Result<Shape, String> {
        let shapes: Vec<_> = inputs.iter().map(|&v| self.program.shape(v)).collect();
        node.op.output_shape(&shapes)
    }

    /// Every op of a schedule part must treat rows alike.
    fn check(&self, node: &Node, inputs: &[ValueId], output: ValueId) {
        assert!(
            self.fits(node, inputs, output),
            "{} `{}` cannot be evaluated for all rows of a schedule at once: {:?}, recorded at {}",
            node.op.name(),
            node.label,
            self.made(node, inputs),
            node.location
        );
    }

    fn repeat(&mut self, once: ValueId, reader: &Node, nodes: &mut Vec<Node>) -> ValueId {
        let shape = self.program.shape(once).clone();
        let times = self.program.rows;
        let dtype = self.program.dtype(once);
        let output =
            self.push(Value { shape: shape.with_lead(shape.lead() * times), dtype, origin: Origin::Node });
        nodes.push(Node { op: Repeat { times }.into(), inputs: vec![once], output, ..reader.clone() });
        output
    }

    /// Finds what crosses, in recorded order, and gives each its place. The second variant finds the same crossings and takes
    /// the places of the first, which have room for both prompts.
    fn place_crossings(&mut self, first: bool) {
        let graph = self.graph;
        let mut count = 0;
        for node in &graph.nodes {
            let own = node_class(node, self.class);
            let (in_step, elsewhere) = self.readers(node.output, own);
            if own.contains(Sources::STATE) || !(in_step || elsewhere) {
                continue;
            }
            let by_row = own.contains(Sources::SCHEDULE);
            let recorded = graph.shape(node.output).clone();
            let rows = if by_row { self.program.rows } else { 1 };
            let stored = recorded.with_lead(recorded.lead() * rows);
            let dtype = graph.values[node.output.index()].dtype;
            if first {
                let column = (by_row && in_step).then(|| self.new_column(recorded.len()));
                let kept = (!by_row || elsewhere).then(|| {
                    let kept = self.push(Value { shape: stored.clone(), dtype, origin: Origin::Node });
                    self.program.kept.push(kept);
                    kept
                });
                self.crossings.insert(count, Crossing { kept, column });
            }
            let crossing = self.crossings[&count];
            count += 1;
            if let Some(kept) = crossing.kept {
                let whole = *self.program.shape(kept) == stored;
                let origin = Origin::View { of: kept, offset: 0 };
                let seen = if whole { kept } else { self.push(Value { shape: stored, dtype, origin }) };
                if by_row {
                    self.all_rows.insert(node.output, seen)
                } else {
                    self.once.insert(node.output, seen)
                };
            }
            if let Some(column) = crossing.column {
                let of = self.slot(Slot::Row, [0].into());
                let view =
                    self.push(Value { shape: recorded, dtype, origin: Origin::View { of, offset: column } });
                self.once.insert(node.output, view);
                self.columns.insert(node.output, column);
            }
        }
    }

    /// Whether the step, and whether another hoisted part reads a value.
    fn readers(&self, made: ValueId, own: Sources) -> (bool, bool) {
        let (mut in_step, mut elsewhere) = (false, false);
        for reader in &self.graph.nodes {
            let set = node_class(reader, self.class);
            if set != own && reader.inputs.iter().any(|&v| base(&self.graph.values, v).0 == made) {
                let step = set.contains(Sources::STATE);
                in_step |= step;
                elsewhere |= !step;
            }
        }
        (in_step, elsewhere)
    }

    fn new_column(&mut self, length: usize) -> usize {
        let column = self.program.row_len;
        // Columns start at multiples of 256 bytes, so that a binding may start at any of them.
        self.program.row_len = (column + length).next_multiple_of(64);
        column
    }

    /// The program's value for a value of the graph.
    fn value(&mut self, value: ValueId) -> ValueId {
        if let Some(&known) = self.once.get(&value) {
            return known;
        }
        let recorded = self.graph.values[value.index()].clone();
        let made = match recorded.origin {
            Origin::Slot(Slot::Timestep) => {
                let of = self.slot(Slot::Row, [0].into());
                self.push(Value { origin: Origin::View { of, offset: ROW_TIMESTEP }, ..recorded })
            }
            Origin::Slot(slot) => self.slot_of(slot, &recorded),
            Origin::View { of, offset } => {
                let of = self.value(of);
                self.push(Value { origin: Origin::View { of, offset }, ..recorded })
            }
            Origin::Constant(at) => {
                let constant = &self.graph.constants[at];
                let known = self.program.constants.iter().position(|c| c == constant);
                let at = known.unwrap_or_else(|| {
                    self.program.constants.push(constant.clone());
                    self.program.constants.len() - 1
                });
                self.unique(Value { origin: Origin::Constant(at), ..recorded })
            }
            Origin::Leaf(_) => self.unique(recorded),
            Origin::Node => self.push(recorded),
        };
        self.once.insert(value, made);
        made
    }

    /// The program's value, all rows of the schedule at once.
    fn value_of_all_rows(&mut self, value: ValueId) -> ValueId {
        if let Some(&known) = self.all_rows.get(&value) {
            return known;
        }
        let recorded = self.graph.values[value.index()].clone();
        let shape = recorded.shape.with_lead(recorded.shape.lead() * self.program.rows);
        let made = match recorded.origin {
            Origin::View { of, offset: 0 } => {
                let of = self.value_of_all_rows(of);
                self.push(Value { shape, origin: Origin::View { of, offset: 0 }, ..recorded })
            }
            Origin::View { offset, .. } => {
                panic!("a part of a schedule value cannot be hoisted (view at {offset})")
            }
            Origin::Slot(slot) => self.slot_of(slot, &Value { shape, ..recorded }),
            Origin::Node => self.push(Value { shape, ..recorded }),
            Origin::Leaf(_) | Origin::Constant(_) => self.value(value),
        };
        self.all_rows.insert(value, made);
        made
    }

    fn slot(&mut self, slot: Slot, shape: Shape) -> ValueId {
        self.slot_of(slot, &Value { shape, dtype: crate::shape::DType::F32, origin: Origin::Slot(slot) })
    }

    /// One value per slot; what is smaller than the first (one prompt of two) is a view of it.
    fn slot_of(&mut self, slot: Slot, wanted: &Value) -> ValueId {
        let fixed = matches!(slot, Slot::Row | Slot::Rows);
        match self.program.slot(slot) {
            Some(known) if fixed || *self.program.shape(known) == wanted.shape => known,
            Some(known) => {
                self.unique(Value { origin: Origin::View { of: known, offset: 0 }, ..wanted.clone() })
            }
            None => self.push(wanted.clone()),
        }
    }

    fn unique(&mut self, value: Value) -> ValueId {
        let same = |v: &Value| v.origin == value.origin && v.shape == value.shape && v.dtype == value.dtype;
        match self.program.values.iter().position(same) {
            Some(at) => ValueId(at as u32),
            None => self.push(value),
        }
    }

    fn push(&mut self, value: Value) -> ValueId {
        self.program.values.push(value);
        ValueId(self.program.values.len() as u32 - 1)
    }
}
