//! How a launch is cut and what is seen of it on the way, on every backend: as many submits as the policy says, previews that are the
//! denoised latent, viewers that are asked at the right moments.

use std::sync::Mutex;

use onelaunch_core::backend::{Backend, Session};
use onelaunch_core::compile::{ProgramKey, row_bucket};
use onelaunch_core::image::{Chunk, CutPolicy, Pixels, Tags, Work, cut};
use onelaunch_core::maybe::MaybeFuture;
use onelaunch_core::{
    Cancel, CpuBackend, DeviceError, Event, Generated, Pace, Precision, Request, Shown, Viewer,
};
use onelaunch_tests::models::golden::Subject;
use onelaunch_tests::models::runner::Runner;
use onelaunch_tests::models::wgpu;
use pollster::block_on;

fn load<B: Backend>(backend: B, subject: &Subject) -> Runner<B> {
    Runner::load(backend, &subject.folder, Precision::F32)
}

fn request(pace: Pace) -> Request {
    let size = Some(64);
    Request {
        prompt: "a red apple".into(),
        seed: 7,
        steps: Some(6),
        width: size,
        height: size,
        pace,
        ..Request::default()
    }
}

fn key(request: &Request) -> ProgramKey {
    let rows = row_bucket(request.steps.expect("it says"));
    ProgramKey { n: 1, width: 64, height: 64, rows, precision: Precision::F32 }
}

/// Chunks of a first image at a fixed rate, and how many of them end a row and are followed by a preview.
fn predicted<B: Backend>(runner: &Runner<B>, request: &Request, policy: CutPolicy) -> (u64, Vec<usize>) {
    let planned = runner.pipeline.plan(key(request)).expect("it can be planned");
    let resolved = runner.pipeline.resolve(request).expect("it can be asked for");
    let image = runner.pipeline.inputs(&resolved, 0, key(request)).expect("prompts have tokens");
    let work = Work::new(&planned.program, &Tags::default(), &image);
    let (mut at, mut chunks, mut previews) = (0, 0, Vec::new());
    while at < work.len {
        let chunk = cut(&work, at, runner.pipeline.backend().caps(), policy);
        at = chunk.range.end;
        chunks += 1;
        if chunk.preview {
            previews.push(work.rows_done(at));
        }
    }
    (chunks, previews)
}

fn told<B: Backend>(runner: &Runner<B>, request: &Request) -> (Generated, Vec<Event>) {
    let events = Mutex::new(Vec::new());
    let watch = |event| events.lock().expect("no test panics here").push(event);
    let made = block_on(runner.pipeline.generate(request, &Cancel::new(), Some(&watch)));
    (made.expect("it is made"), events.into_inner().expect("no test panics here"))
}

fn submits_are_those_of_the_policy<B: Backend>(backend: B) {
    let runner = load(backend, &Subject::second());
    let mut counts = Vec::new();
    for rate in [1.0, 1e9, 1e11, 1e15] {
        for watched in [false, true] {
            let request = request(Pace::Rate(rate));
            let policy = CutPolicy { whole: false, watched, previews: false, rate: Some(rate) };
            let (chunks, _) = predicted(&runner, &request, policy);
            // What was made before shortens the list.
            runner.pipeline.drop_idle();
            let took = if watched { told(&runner, &request).0 } else { runner.generate(&request) }.timings;
            assert_eq!(
                (took.chunks, took.submits),
                (chunks, chunks),
                "rate {rate}, watched {watched}: {took:?}"
            );
            assert_eq!(took.readbacks, 1);
            counts.push(chunks);
        }
    }
    println!("submits: {counts:?}");
    assert!(
        counts[0] > 100 && counts[6..] == [1, 1],
        "the slowest device is cut everywhere, the fastest nowhere"
    );
    assert!(
        counts[2] == 1 || counts[2] == counts[3],
        "who watches changes nothing but whether a short image is cut"
    );
}

#[test]
fn submits_are_those_of_the_policy_on_cpu() {
    submits_are_those_of_the_policy(CpuBackend::new(None));
}

#[test]
fn submits_are_those_of_the_policy_on_wgpu() {
    let Some(backend) = wgpu() else { return };
    submits_are_those_of_the_policy(backend);
}

/// The preview of a latent by the factors of the model's entry, in plain loops.
fn by_hand<B: Backend>(runner: &Runner<B>, latents: &[f32]) -> Vec<[f64; 3]> {
    let own = runner.pipeline.model().index.onelaunch.as_ref().expect("the entry");
    let factors = own.latent_rgb_factors.as_ref().expect("factors");
    let bias = own.latent_rgb_factors_bias.expect("a bias");
    let pixel = |latent: &[f32]| {
        std::array::from_fn(|rgb| {
            let sum: f64 = latent.iter().zip(factors).map(|(&x, f)| f64::from(x) * f64::from(f[rgb])).sum();
            (sum + f64::from(bias[rgb])).clamp(0.0, 1.0) * 255.0
        })
    };
    latents.chunks_exact(factors.len()).map(pixel).collect()
}

/// With the last row the latent is the denoised one, since its sigma is zero.
fn a_preview_is_the_denoised_latent<B: Backend>(backend: B) {
    let runner = load(backend, &Subject::emoji());
    let request = request(Pace::Whole);
    let resolved = runner.pipeline.resolve(&request).expect("it can be asked for");
    let image = runner.pipeline.inputs(&resolved, 0, key(&request)).expect("prompts have tokens");
    let mut session = runner.open(runner.pipeline.plan(key(&request)).expect("it can be planned"), 0);
    let (latents, preview) = block_on(async {
        session.begin(&image).await?;
        let end = *session.work().row_ends.last().expect("rows");
        let ticket = session.submit(Chunk { range: 0..end, preview: true })?;
        session.done(&ticket).await?;
        let latents = session.latents().await?;
        Ok::<_, DeviceError>((latents, session.read(ticket, true).await?))
    })
    .expect("it is made");
    assert_eq!((preview.width, preview.height, preview.finite.as_slice()), (8, 8, &[true][..]));
    let want = by_hand(&runner, &latents);
    let (mut most, mut spread) = (0.0f64, 0.0f64);
    for (pixel, want) in preview.images[0].as_chunks::<4>().0.iter().zip(&want) {
        for (&got, &want) in pixel.iter().zip(want) {
            most = most.max((f64::from(got) - want).abs());
            spread = spread.max((want - 127.0).abs());
        }
    }
    println!("previews: {most} of 255 from the formula");
    assert!(most <= 0.6 && spread > 50.0, "{most} of 255 from the formula, {spread}");
}

#[test]
fn a_preview_is_the_denoised_latent_on_cpu() {
    a_preview_is_the_denoised_latent(CpuBackend::new(None));
}

#[test]
fn a_preview_is_the_denoised_latent_on_wgpu() {
    let Some(backend) = wgpu() else { return };
    a_preview_is_the_denoised_latent(backend);
}

/// Notes when it is asked.
#[derive(Default)]
struct Notes(Mutex<Vec<Shown>>);

impl<S: Session> Viewer<S> for Notes {
    fn show<'a>(&'a self, _: &'a S, shown: Shown) -> MaybeFuture<'a, Result<(), DeviceError>> {
        self.0.lock().expect("no test panics here").push(shown);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[test]
fn previews_come_when_rows_end_and_change_nothing() {
    let runner = load(CpuBackend::new(None), &Subject::emoji());
    let plain = runner.generate(&request(Pace::Whole));
    let rate = 3e9;
    let request = Request { previews: true, ..request(Pace::Rate(rate)) };
    let policy = CutPolicy { whole: false, watched: true, previews: true, rate: Some(rate) };
    let (_, want) = predicted(&runner, &request, policy);
    runner.pipeline.drop_idle();
    let (made, events) = told(&runner, &request);
    let previews: Vec<(usize, &Pixels)> = events
        .iter()
        .filter_map(|event| match event {
            Event::Preview(row, pixels) => Some((*row, pixels)),
            _ => None,
        })
        .collect();
    assert!(want.len() >= 3, "{want:?}");
    assert_eq!(previews.iter().map(|(row, _)| *row).collect::<Vec<_>>(), want);
    assert!(previews[0].1.images != previews[want.len() - 1].1.images, "all previews are alike");
    assert!(made.images == plain.images, "previews change the picture");
    // A viewer is asked at the same moments and at the end; nothing is read for it.
    let notes = Notes::default();
    runner.pipeline.drop_idle();
    let request = Request { previews: false, ..request };
    let made =
        block_on(runner.pipeline.generate_shown(&request, &Cancel::new(), Some(&|_| {}), Some(&notes)));
    assert_eq!(made.expect("it is made").timings.readbacks, 1);
    let mut shown: Vec<_> = want.into_iter().map(Shown::Preview).collect();
    shown.push(Shown::Pictures(0));
    assert_eq!(notes.0.into_inner().expect("no test panics here"), shown);
    // A model without factors has none, and says nothing.
    let second = load(CpuBackend::new(None), &Subject::second());
    let (_, events) = told(&second, &Request { previews: true, ..request });
    assert!(!events.iter().any(|event| matches!(event, Event::Preview(..))));
}
