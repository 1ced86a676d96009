//! What the native planner chooses for the caps of another device, written as JSON: for comparison with what a browser chose.
//!
//! `plan_for_caps CAPS.json [--model DIR] [--width N] [--height N] [--steps N] [--guidance X] [--sampler NAME]`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use onelaunch::Folder;
use onelaunch_core::compile::{ProgramKey, leaves_of, program, row_bucket};
use onelaunch_core::image::{Tags, Work};
use onelaunch_core::model::Model;
use onelaunch_core::passes::choose::choose;
use onelaunch_core::pipeline::resolve;
use onelaunch_core::weights::{Encoding, Leaves, account};
use onelaunch_core::{Caps, Precision, Request};
use onelaunch_tests::models::{bare_image, in_tree};
use pollster::block_on;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let caps = args.next().ok_or("the first argument is a file with caps as JSON")?;
    let caps: Caps = serde_json::from_slice(&std::fs::read(caps)?)?;
    let (mut folder, mut request) = (in_tree("models/emoji-mini"), Request::default());
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--model" => folder = PathBuf::from(value),
            "--width" => request.width = Some(value.parse()?),
            "--height" => request.height = Some(value.parse()?),
            "--steps" => request.steps = Some(value.parse()?),
            "--guidance" => request.guidance = Some(value.parse()?),
            "--sampler" => request.sampler = Some(value.parse()?),
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    println!("{}", serde_json::to_string_pretty(&listing(&caps, &folder, &request)?)?);
    Ok(())
}

/// Kernels of every part; dispatches of a first picture, and submits where it is one.
fn listing(caps: &Caps, folder: &Path, request: &Request) -> Result<Value, Box<dyn Error>> {
    let files = Folder::open(folder)?;
    let model = block_on(Model::load(&files))?;
    let sources = block_on(model.open(&files))?;
    let resolved = resolve(&model, request, Precision::F32)?;
    let guided: Vec<bool> = resolved.schedule.rows.iter().map(|row| row.guided).collect();
    let (width, height) = (resolved.recipe.width, resolved.recipe.height);
    let key = ProgramKey { n: 1, width, height, rows: row_bucket(guided.len()), precision: Precision::F32 };
    let mut leaves = Leaves::default();
    let (program, _) = program(&model, &mut leaves, key);
    let used = leaves.plan(leaves_of(&program));
    let stored = account(&used, &sources, &|component, name| model.unneeded(component, name))?.encodings;
    let encoding = |id| stored.get(&id).copied().unwrap_or(Encoding::F32);
    let encodings: BTreeMap<_, _> = used
        .leaves
        .iter()
        .map(|leaf| (leaf.id, onelaunch_wgpu::layout::layout(leaf, encoding(leaf.id)).encoding))
        .collect();
    let chooser =
        |op: &_, node: &_, inputs: &[_], output: &_| onelaunch_wgpu::choose(caps, op, node, inputs, output);
    let choices = choose(&program, &encodings, &chooser)?;
    let work = Work::new(&program, &Tags::default(), &bare_image(guided));
    let dispatches: u32 = (0..work.len)
        .map(|at| {
            let (part, node) = work.locate(at);
            choices[part][node].dispatches
        })
        .sum();
    let mut kernels = Vec::new();
    for (part, choices) in program.parts.iter().zip(&choices) {
        for (node, choice) in part.nodes.iter().zip(choices) {
            kernels.push(json!({ "part": part.name(), "node": node.label, "kernel": choice.kernel }));
        }
    }
    Ok(json!({ "kernels": kernels, "dispatches": dispatches, "submits": 1 }))
}
