//! From a model folder to pixels, with progress and cancel: `cargo run --release --example generate -- "a red apple"`.

use onelaunch::{
    AnyBackend, AnyPipeline, BackendName, Cancel, Event, Precision, Request, find_model, picture,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    pollster::block_on(async {
        let folder = find_model(None)?;
        let chosen = AnyBackend::open(BackendName::Auto, None).await?;
        let pipeline = AnyPipeline::load(chosen.backend, &folder, Precision::F32, &|_| {}).await?;
        let prompt = std::env::args().nth(1).unwrap_or("a red apple".into());
        let request = Request { prompt, seed: 7, ..Request::default() };
        // Any thread may hold a clone of this and call `cancel()`; `generate` then returns `GenerateError::Cancelled`.
        let cancel = Cancel::new();
        let watch = |event| {
            if let Event::Step(done, of, _) = event {
                eprintln!("step {done} of {of}");
            }
        };
        let made = pipeline.generate(&request, &cancel, Some(&watch)).await?;
        let png = picture::encode(made.width, made.height, &made.images[0], &made.recipes[0])?;
        Ok(std::fs::write("apple.png", png)?)
    })
}
