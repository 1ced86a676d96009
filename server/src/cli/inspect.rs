//! `inspect`: the plan of a picture before anything is allocated: bytes per class, parts, what was fused and why not, kernels, FLOPs.

mod print;
mod summary;

use clap::Args;
use onelaunch::Request;
use onelaunch::core::compile::{ProgramKey, row_bucket};
use onelaunch::core::pipeline::{Prepared, resolve};

use super::args::{DeviceArgs, PictureArgs};
use super::failure::Failure;
use summary::Summary;

/// Flags of `inspect`.
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    picture: PictureArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Pictures per launch
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: usize,
    /// Print the whole program too, one line per dispatch
    #[arg(long)]
    program: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Plans and prints.
pub(crate) fn inspect(args: &InspectArgs) -> Result<(), Failure> {
    pollster::block_on(async {
        let precision = args.device.precision(None)?;
        let folder = args.device.folder()?;
        let request = Request { count: Some(args.count), ..args.picture.request(Some(""), None, || 0)? };
        let mut prepared = Prepared::new(&folder).await?;
        let resolved = resolve(prepared.model(), &request, precision)?;
        let chosen = args.device.open().await?;
        let key = ProgramKey {
            n: args.count,
            width: resolved.recipe.width,
            height: resolved.recipe.height,
            rows: row_bucket(resolved.schedule.rows.len()),
            precision,
        };
        let inspection = chosen.backend.inspect(&mut prepared, key, resolved.schedule.draws)?;
        let model = prepared.model();
        let summary = Summary::new(&inspection);
        let device = &chosen.backend.caps().name;
        if args.json {
            println!("{}", print::json(model, device, &chosen.why, key, &inspection, &summary));
        } else {
            print!("{}", print::text(model, device, &chosen.why, key, &inspection, &summary));
            if args.program {
                print!("{}", inspection.planned.program.print());
            }
        }
        Ok(())
    })
}
