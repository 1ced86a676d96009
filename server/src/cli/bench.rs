//! `bench`: what a picture takes, part by part and whole, against an earlier run, and what the overhead of a single picture costs.

mod compare;
mod floor;
mod measure;
mod report;
mod stats;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;
use onelaunch::core::model::Model;
use onelaunch::core::pipeline::resolve;
use onelaunch::{AnyPipeline, Request};

use super::args::{DeviceArgs, PictureArgs};
use super::failure::Failure;
use super::progress::Progress;
use compare::Baseline;
use measure::Measure;
use report::Report;

/// Flags of `bench`.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// What the picture shows
    #[arg(default_value = "a red apple")]
    prompt: String,
    #[command(flatten)]
    picture: PictureArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// How often each thing is measured, after one round that is not
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,
    /// Pictures per launch that the overhead bill compares with one; 1 leaves the bill out
    #[arg(long, value_name = "N", default_value_t = 8)]
    batch: usize,
    /// Leave out the time of a fresh process
    #[arg(long)]
    no_process: bool,
    /// Print one JSON object, which --baseline reads
    #[arg(long)]
    json: bool,
    /// Compare with a saved run of `bench --json`
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Print nothing but results and errors
    #[arg(long)]
    quiet: bool,
}

/// Measures and prints.
pub(crate) fn bench(args: &BenchArgs) -> Result<(), Failure> {
    if args.runs == 0 || args.batch == 0 {
        return Err(Failure::BadInput("--runs and --batch must be at least 1".into()));
    }
    let progress = Progress::new(args.quiet);
    // Without a seed of its own a run could not be compared with another.
    let request = Request { count: Some(1), ..args.picture.request(Some(&args.prompt), None, || 7)? };
    let precision = args.device.precision(None)?;
    let folder = args.device.folder()?;
    let model = pollster::block_on(Model::load(&folder))?;
    let resolved = resolve(&model, &request, precision)?;
    let baseline = args.baseline.as_deref().map(|path| Baseline::read(path, &resolved.recipe)).transpose()?;
    let chosen = pollster::block_on(args.device.open())?;
    let device = chosen.backend.caps().name.clone();
    progress.say(&format!("device: {device} ({})", chosen.why));

    let start = Instant::now();
    let pipeline =
        pollster::block_on(AnyPipeline::load(chosen.backend, &folder, precision, &|e| progress.event(e)))?;
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    let say = |line: &str| progress.say(line);
    let measured =
        pipeline.visit(Measure { resolved: &resolved, runs: args.runs, batch: args.batch, say: &say })?;
    let floor = match pipeline.wgpu() {
        Some(backend) => {
            progress.say("measuring a bare loop and one product");
            let groups = measured.parts.iter().map(|p| p.dispatches).sum();
            Some(pollster::block_on(floor::floor(backend, measured.counters.dispatches, groups))?)
        }
        None => None,
    };
    drop(pipeline);
    let first_pixel_ms = if args.no_process { None } else { Some(process_ms(args)?) };
    let report =
        Report { recipe: resolved.recipe, device, why: chosen.why, load_ms, first_pixel_ms, measured, floor };
    let json = report.json();
    let compared = baseline.map(|b| b.compare(&json));
    if args.json {
        println!("{}", compare::with(json, compared.as_deref()));
    } else {
        print!("{}", report.text());
        print!("{}", compare::text(compared.as_deref().unwrap_or(&[])));
    }
    Ok(())
}

/// Milliseconds from the start of a fresh process of `generate` to its end, with the picture on disk: the time to the first pixel that
/// somebody at a terminal sees.
fn process_ms(args: &BenchArgs) -> Result<f64, Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::Other(format!("`generate` in a fresh process: {e}"));
    let folder = tempfile::tempdir().map_err(|e| failed(&e))?;
    let executable = std::env::current_exe().map_err(|e| failed(&e))?;
    let mut command = Command::new(executable);
    command.arg("generate").args(["--quiet", "--seed", "7", "--backend", args.device.backend.name()]);
    command.arg("--out").arg(folder.path().join("first.png"));
    if let Some(model) = &args.device.model {
        command.arg("--model").arg(model);
    }
    if let Some(adapter) = &args.device.adapter {
        command.arg("--adapter").arg(adapter);
    }
    command.arg("--").arg(&args.prompt).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().map_err(|e| failed(&e))?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    if status.success() { Ok(took) } else { Err(failed(&status)) }
}
