//! Any value of a model, as a backend computes it: the model is recorded with a sampler that copies the value into the latent, so that it goes
//! through the same passes, kernels and memory as in a picture, and comes back where latents do.

use std::collections::BTreeSet;

use onelaunch_core::Precision;
use onelaunch_core::backend::Backend;
use onelaunch_core::compile::{TABLE_BUDGET, planned};
use onelaunch_core::graph::{Graph, Slot, ValueId};
use onelaunch_core::image::{Image, Prompt};
use onelaunch_core::model::Model;
use onelaunch_core::models::Module;
use onelaunch_core::ops::state_len;
use onelaunch_core::passes::fuse::{fuse, merge_projections};
use onelaunch_core::passes::hoist::{HoistOptions, Recordings, hoist};
use onelaunch_core::passes::precision::narrow;
use onelaunch_core::schedule::{OUTPUT, ROW_LEN, Row, X};
use onelaunch_core::shape::DType;
use onelaunch_core::weights::Leaves;

use super::runner::{Runner, run};

/// Which half of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// Text encoder and denoiser, on cond and uncond as one batch.
    Network,
    /// Latent to picture.
    Decoder,
}

/// What a probe is fed.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Ids and lengths of cond, then uncond; not read by a decoder.
    pub prompt: Prompt,
    /// Not read by a decoder.
    pub timestep: f64,
    /// Channels last; both rows of the network read it.
    pub latent: Vec<f32>,
}

/// A value of a model on a backend.
pub struct Probe<B: Backend> {
    session: B::Session,
    elements: usize,
    generation: u64,
}

/// Rows of the probe's tables: the least there is.
const ROWS: usize = 4;

impl<B: Backend> Probe<B> {
    /// Records, plans and opens. `latent` is `[1, H, W, C]`; `find` picks the value.
    ///
    /// # Panics
    /// Where that fails.
    #[must_use]
    pub fn new(
        runner: &Runner<B>,
        half: Half,
        latent: [usize; 4],
        find: impl FnOnce(&Graph, ValueId) -> ValueId,
    ) -> Self {
        let pipeline = &runner.pipeline;
        let mut leaves = runner.leaves();
        let (mut graph, elements) = record(pipeline.model(), &mut leaves, half, latent, find);
        merge_projections(&mut graph, &mut leaves);
        drop_unread(&mut graph);
        let empty = Graph::new();
        let recordings = Recordings { guided: &graph, plain: &graph, finish: &empty, preview: None };
        let mut program = hoist(&recordings, HoistOptions { rows: ROWS, table_budget: TABLE_BUDGET });
        let _ = fuse(&mut program);
        if pipeline.precision() == Precision::F16 {
            narrow(&mut program);
        }
        let planned = planned(pipeline.backend(), program, &pipeline.store().encodings());
        let planned = planned.unwrap_or_else(|why| panic!("{why}"));
        // The latent travels as step noise, of which a session has whole multiples of what the sampler moves.
        let draws = latent.iter().product::<usize>().div_ceil(elements);
        let session = runner.open(planned, draws);
        Self { session, elements, generation: pipeline.store().generation() }
    }

    /// Computes the value.
    ///
    /// # Panics
    /// Where the device fails.
    #[must_use]
    pub fn run(&mut self, inputs: &Inputs) -> Vec<f32> {
        let mut row = Row {
            step: 0,
            timestep: inputs.timestep,
            input_scale: 1.0,
            guidance: 1.0,
            guided: false,
            matrix: [[0.0; 7]; 5],
            denoised: [0.0; 2],
            mask_blend: [0.0; 2],
            noise_slot: None,
        };
        row.matrix[X][OUTPUT] = 1.0;
        let image = Image {
            prompts: vec![inputs.prompt.clone()],
            prompt_rows: 2,
            timesteps: vec![row.timestep as f32],
            rows: row.to_f32().to_vec(),
            // Of the two variants, which are the same here, the one whose prompt parts have two rows.
            guided: vec![true],
            latents: vec![0.0; self.elements],
            noise: inputs.latent.clone(),
            generation: self.generation,
        };
        run(&mut self.session, &image)
    }
}

/// The model's recording and the number of elements of the value.
fn record(
    model: &Model,
    leaves: &mut Leaves,
    half: Half,
    latent: [usize; 4],
    find: impl FnOnce(&Graph, ValueId) -> ValueId,
) -> (Graph, usize) {
    let mut g = Graph::new();
    let [n, h, w, c] = latent;
    // Its length is known when the value is.
    let state = g.slot(Slot::State, [0], DType::F32);
    let row = g.slot(Slot::Row, [ROW_LEN], DType::F32);
    let tables = g.slot(Slot::Rows, [ROWS, ROW_LEN], DType::F32);
    let noise = g.slot(Slot::Noise, [1, n, h, w, c], DType::F32);
    g.load_row(tables, state, row);
    let x = g.view(noise, 0, latent);
    let output = match half {
        Half::Network => {
            let ids = g.slot(Slot::Tokens(0), [2, model.tokens], DType::U32);
            let lengths = g.slot(Slot::Lengths(0), [2], DType::U32);
            let t = g.slot(Slot::Timestep, [1], DType::F32);
            let mut m = Module::new(&mut g, leaves, "text_encoder");
            let text = model.text_encoder.record(&mut m, ids, lengths);
            let x = g.scale_input(x, row, 2);
            let mut m = Module::new(&mut g, leaves, "transformer");
            model.denoiser.record(&mut m, x, t, text, lengths)
        }
        Half::Decoder => model.decoder.record(&mut Module::new(&mut g, leaves, "vae"), x),
    };
    let value = find(&g, output);
    let elements = g.shape(value).len();
    g.values[state.index()].shape = [state_len(elements)].into();
    let flat = g.reshape(value, [1, elements, 1, 1]);
    g.sampler_step(false, [flat, noise, row], state);
    (g, elements)
}

/// Drops nodes that nothing leads from to a slot: what lies behind the value.
fn drop_unread(g: &mut Graph) {
    let mut read = BTreeSet::new();
    let mut nodes = std::mem::take(&mut g.nodes);
    nodes.reverse();
    nodes.retain(|node| {
        let needed = node.op.writes_slot() || read.contains(&g.base(node.output).0);
        if needed {
            read.extend(node.inputs.iter().map(|&v| g.base(v).0));
        }
        needed
    });
    nodes.reverse();
    g.nodes = nodes;
}

/// The value of the last node that was recorded as `label` or within it.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn last_of(graph: &Graph, label: &str) -> ValueId {
    let within = |l: &str| l.strip_prefix(label).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let node = graph.nodes.iter().rfind(|n| within(&n.label));
    node.unwrap_or_else(|| panic!("nothing is recorded as `{label}`")).output
}
