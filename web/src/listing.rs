//! What the planner chose for a request, for comparison with the native planner on the same caps.

use onelaunch_core::image::{Tags, Work};
use onelaunch_core::{Backend, Pipeline, Request};
use serde::Serialize;

use crate::failure::Failure;
use crate::plan::key_of;

/// Kernels of a request's first launch.
#[derive(Debug, Serialize)]
pub struct Listing {
    kernels: Vec<Site>,
    /// Of an image of which nothing is known yet.
    dispatches: u64,
    /// With one submit for the whole image.
    submits: u64,
}

#[derive(Debug, Serialize)]
struct Site {
    part: String,
    node: String,
    kernel: String,
}

impl Listing {
    /// Of one picture.
    pub fn new<B: Backend>(pipeline: &Pipeline<B>, request: &Request) -> Result<Self, Failure> {
        let resolved = pipeline.resolve(request)?;
        let key = key_of(&resolved, pipeline.precision());
        let planned = pipeline.plan(key)?;
        let image = pipeline.inputs(&resolved, 0, key)?;
        let work = Work::new(&planned.program, &Tags::default(), &image);
        let dispatches = (0..work.len).map(|at| {
            let (part, node) = work.locate(at);
            u64::from(planned.choices[part][node].dispatches)
        });
        let dispatches = dispatches.sum();
        let parts = planned.program.parts.iter().zip(&planned.choices);
        let kernels = parts.flat_map(|(part, choices)| {
            let name = part.name();
            part.nodes.iter().zip(choices).map(move |(node, choice)| Site {
                part: name.clone(),
                node: node.label.clone(),
                kernel: choice.kernel.clone(),
            })
        });
        Ok(Self { kernels: kernels.collect(), dispatches, submits: 1 })
    }
}
