//! `generate`: a prompt, or the recipe of a picture made before, to PNG files.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use onelaunch::core::model::Model;
use onelaunch::core::pipeline::{Watch, resolve};
use onelaunch::{AnyPipeline, Event, Generated, Precision, Recipe, picture};

use super::args::{DeviceArgs, PictureArgs};
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output::Output;
use super::progress::Progress;

/// Flags of `generate`.
#[derive(Args, Debug)]
pub(crate) struct GenerateArgs {
    /// What the picture shows; write -- before a prompt that begins with a dash
    #[arg(required_unless_present = "from")]
    prompt: Option<String>,
    #[command(flatten)]
    picture: PictureArgs,
    /// Take the recipe of a PNG that onelaunch made; flags that are given win. With another --sampler, its eta, sigmas and spacing are left out
    #[arg(long, value_name = "PNG")]
    from: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
    /// Pictures to make
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Output")]
    count: usize,
    /// A file, or a folder for numbered files; with --count, NAME-1.png, NAME-2.png … [default: a fresh numbered file here]
    #[arg(long, value_name = "PATH", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    /// Print one JSON object with files, seeds, recipes and timings instead of file names
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Print nothing but results and errors
    #[arg(long, help_heading = "Output")]
    quiet: bool,
}

/// Makes pictures. `started` is when the process began, for the time to the first picture.
pub(crate) fn generate(args: &GenerateArgs, started: Instant) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let progress = Progress::new(args.quiet);
    let result = pollster::block_on(make(args, started, &interrupt, &progress));
    progress.finish();
    result
}

async fn make(
    args: &GenerateArgs,
    started: Instant,
    interrupt: &Interrupt,
    progress: &Progress,
) -> Result<(), Failure> {
    let recipe = args.from.as_deref().map(recipe_of).transpose()?;
    // 32 bits, because a seed is something people copy by hand, and `torch-cpu` uses no more.
    let seed = || u64::from(rand::random::<u32>());
    let mut request = args.picture.request(args.prompt.as_deref(), recipe.as_ref(), seed)?;
    request.count = Some(args.count);
    let precision = args.device.precision(recipe.as_ref())?;

    // Everything that can be wrong with what was asked is said before anything slow begins.
    let folder = args.device.folder()?;
    let model = Model::load(&folder).await?;
    let resolved = resolve(&model, &request, precision)?;
    if let Some(recipe) = recipe.as_ref().filter(|r| r.model != model.name) {
        let (was, is) = (&recipe.model, &model.name);
        progress.event(Event::Warning(format!(
            "the picture was made by {was}, not by {is}: it will be another one"
        )));
    }
    let output = Output::plan(args.out.as_deref(), args.overwrite, resolved.count, &resolved.recipe.prompt)?;
    let chosen = args.device.open().await?;
    let device = chosen.backend.caps().name.clone();
    progress.say(&format!("device: {device} ({})", chosen.why));
    progress.say(&format!("seed: {}", request.seed));

    // Until the first step there is nothing to cancel in order: Ctrl-C ends the process.
    let watch = |event| {
        if matches!(event, Event::Step(..)) {
            interrupt.cancellable();
        }
        progress.event(event);
    };
    let pipeline = AnyPipeline::load(chosen.backend, &folder, precision, &watch).await?;
    // Quiet without JSON is the only way not to hear warnings, and nobody watches: images need not be cut finely.
    let heard = !args.quiet || args.json;
    let watch: Option<Watch<'_>> = if heard { Some(&watch) } else { None };
    if !heard {
        interrupt.cancellable();
    }
    let made = pipeline.generate(&request, &interrupt.cancel, watch).await?;
    interrupt.check()?;
    let mut files = Vec::new();
    for (at, (pixels, recipe)) in made.images.iter().zip(&made.recipes).enumerate() {
        let png = picture::encode(made.width, made.height, pixels, recipe)
            .map_err(|e| Failure::Other(e.to_string()))?;
        files.push(output.write(at, &png)?);
    }
    let total = started.elapsed().as_secs_f64();
    progress.say(&format!(
        "{} in {total:.2} s, of it {:.2} s for pixels",
        made_of(&made),
        made.timings.image
    ));
    report(args.json, &made, &files, &device, &chosen.why, precision, total, &progress.warnings());
    Ok(())
}

fn made_of(made: &Generated) -> String {
    match made.images.len() {
        1 => "1 picture".to_owned(),
        n => format!("{n} pictures"),
    }
}

/// The recipe of a picture made before.
fn recipe_of(path: &Path) -> Result<Recipe, Failure> {
    let bad = |why: &dyn std::fmt::Display| Failure::BadInput(format!("--from {}: {why}", path.display()));
    let file = File::open(path).map_err(|e| bad(&e))?;
    picture::read_recipe(BufReader::new(file)).map_err(|e| bad(&e))
}

#[expect(clippy::too_many_arguments, reason = "the one place that prints everything")]
fn report(
    json: bool,
    made: &Generated,
    files: &[PathBuf],
    device: &str,
    why: &str,
    precision: Precision,
    total: f64,
    warnings: &[String],
) {
    if !json {
        for file in files {
            println!("{}", file.display());
        }
        return;
    }
    let pictures: Vec<_> = files
        .iter()
        .zip(&made.recipes)
        .map(|(file, recipe)| serde_json::json!({ "file": file.to_string_lossy(), "seed": recipe.seed, "recipe": recipe }))
        .collect();
    let timings = made.timings;
    let object = serde_json::json!({
        "pictures": pictures,
        "device": device,
        "why": why,
        "precision": precision.name(),
        "warnings": warnings,
        "timings": {
            "compile_ms": timings.compile * 1e3,
            "image_ms": timings.image * 1e3,
            "total_ms": total * 1e3,
        },
        "launches": timings.launches,
        "submits": timings.submits,
        "dispatches": timings.dispatches,
        "readbacks": timings.readbacks,
    });
    println!("{object}");
}
