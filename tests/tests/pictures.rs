//! What callers are promised of whole pictures, on every backend: guidance of 0 and 1, the same bytes however an image is cut, batches,
//! replaced weights, seeds.

use onelaunch::Folder;
use onelaunch_core::backend::Backend;
use onelaunch_core::compile::{ProgramKey, row_bucket};
use onelaunch_core::files::{FileError, ModelFiles};
use onelaunch_core::maybe::MaybeFuture;
use onelaunch_core::schedule::{ROW_GUIDANCE, ROW_LEN, Sampler};
use onelaunch_core::weights::{BytesSource, TensorSource};
use onelaunch_core::{Cancel, CpuBackend, Pace, Precision, Request};
use onelaunch_tests::models::golden::{Subject, picture_difference};
use onelaunch_tests::models::runner::Runner;
use onelaunch_tests::models::{Limits, wgpu, wgpu_with};
use pollster::block_on;

/// Runs a test on the reference and on wgpu, with the second model.
macro_rules! on_both {
    ($($test:ident)+) => {
        mod on_cpu {
            $(#[test]
            fn $test() {
                super::$test(|| onelaunch_core::CpuBackend::new(None));
            })+
        }
        mod on_wgpu {
            $(#[test]
            fn $test() {
                let Some(backend) = super::wgpu() else { return };
                super::$test(|| backend.clone());
            })+
        }
    };
}

on_both! {
    guidance_of_0_and_1_is_the_plain_picture
    the_bytes_do_not_depend_on_cuts_or_on_what_was_made_before
    a_picture_of_a_batch_is_that_of_its_seed
    a_replaced_leaf_changes_the_next_picture_as_a_fresh_load_does
}

fn load<B: Backend>(backend: B) -> Runner<B> {
    Runner::load(backend, &Subject::second().folder, Precision::F32)
}

/// A guided picture of the size of the second model's goldens, with a sampler that draws noise.
fn request(seed: u64) -> Request {
    Request {
        prompt: "a small red house under the moon".into(),
        negative: "blurry".into(),
        sampler: Some(Sampler::EulerA),
        steps: Some(2),
        guidance: Some(3.0),
        width: Some(160),
        height: Some(96),
        pace: Pace::Whole,
        seed,
        ..Request::default()
    }
}

fn guidance_of_0_and_1_is_the_plain_picture<B: Backend>(backend: impl Fn() -> B) {
    let runner = load(backend());
    let with = |guidance| Request { guidance: Some(guidance), ..request(3) };
    let one = runner.generate(&with(1.0));
    assert!(runner.generate(&with(0.0)).images == one.images, "pictures differ");
    let other = Request { negative: "something else".into(), ..with(1.0) };
    assert!(runner.generate(&other).images == one.images, "the negative prompt shows where it must not");
    // The formula with weight 1, both halves computed.
    let (_, formula) = runner.launch(&with(3.0), |image| {
        assert!(image.guided.iter().all(|&guided| guided) && image.prompt_rows == 2);
        image.rows.chunks_exact_mut(ROW_LEN).for_each(|row| row[ROW_GUIDANCE] = 1.0);
    });
    let most = picture_difference(&formula.images[0], &one.images[0]);
    assert!(most <= 2, "the plain picture is {most} of 255 from guidance of 1");
    assert!(runner.generate(&with(3.0)).images != one.images, "nothing changed");
}

fn the_bytes_do_not_depend_on_cuts_or_on_what_was_made_before<B: Backend>(backend: impl Fn() -> B) {
    let runner = load(backend());
    let whole = runner.generate(&request(4));
    let took = &whole.timings;
    assert_eq!((took.submits, took.chunks, took.readbacks, took.launches), (1, 1, 1, 1), "{took:?}");
    let again = runner.generate(&request(4));
    assert!(again.timings.dispatches < took.dispatches, "no part was reused: {:?}", again.timings);
    assert_eq!((again.timings.submits, again.timings.readbacks), (1, 1));
    assert!(again.images == whole.images, "pictures differ");
    // Other parts, then these again.
    let other = Request { prompt: "Two green boats".into(), steps: Some(1), ..request(5) };
    assert!(runner.generate(&other).images != whole.images, "nothing changed");
    assert!(runner.generate(&request(4)).images == whole.images, "pictures differ");
    // A fresh pipeline has measured nothing, so it cuts even where nobody watches.
    let fresh = load(backend());
    for watched in [false, true, true] {
        let request = Request { pace: Pace::Measured, ..request(4) };
        let silent = |_| {};
        let watch: Option<onelaunch_core::pipeline::Watch<'_>> = if watched { Some(&silent) } else { None };
        let cut = block_on(fresh.pipeline.generate(&request, &Cancel::new(), watch)).expect("it is made");
        let took = cut.timings;
        println!("watched {watched}: {took:?}");
        assert_eq!((took.submits, took.readbacks), (took.chunks, 1), "{took:?}");
        assert!(cut.images == whole.images, "watched {watched}");
        assert!(watched || took.chunks > 1, "it was not cut: {took:?}");
    }
}

fn a_picture_of_a_batch_is_that_of_its_seed<B: Backend>(backend: impl Fn() -> B) {
    let runner = load(backend());
    let batch = runner.generate(&Request { count: Some(3), ..request(20) });
    assert_eq!((batch.images.len(), batch.timings.launches), (3, 1));
    for (at, image) in batch.images.iter().enumerate() {
        let seed = 20 + at as u64;
        assert_eq!(batch.recipes[at].seed, seed);
        let single = runner.generate(&request(seed));
        let most = picture_difference(image, &single.images[0]);
        println!("picture {at} of 3: {most} of 255");
        assert!(most <= 2, "picture {at} is {most} of 255 from that of its seed");
    }
    assert!(batch.images[0] != batch.images[1], "two seeds make one picture");
}

/// A folder in which one tensor has the other sign.
struct Negated {
    folder: Folder,
    tensor: &'static str,
}

impl ModelFiles for Negated {
    fn read<'a>(&'a self, path: &'a str) -> MaybeFuture<'a, Result<Option<Vec<u8>>, FileError>> {
        self.folder.read(path)
    }
    fn open<'a>(
        &'a self,
        path: &'a str,
    ) -> MaybeFuture<'a, Result<Option<Box<dyn TensorSource>>, FileError>> {
        let Ok(mut bytes) = std::fs::read(self.folder.path().join(path)) else {
            return self.folder.open(path);
        };
        let entry = BytesSource::new(path, &bytes).ok().and_then(|s| s.entries().get(self.tensor).cloned());
        if let Some(entry) = entry {
            let element = (entry.bytes() / entry.shape.iter().product::<usize>() as u64) as usize;
            let range = entry.start as usize..entry.end as usize;
            // Every float of a file is little-endian with its sign on top.
            bytes[range].iter_mut().skip(element - 1).step_by(element).for_each(|b| *b ^= 0x80);
        }
        let source = BytesSource::new(path, bytes).map(|s| Some(Box::new(s) as Box<dyn TensorSource>));
        Box::pin(std::future::ready(source.map_err(Into::into)))
    }
    fn describe(&self) -> String {
        self.folder.describe()
    }
}

fn a_replaced_leaf_changes_the_next_picture_as_a_fresh_load_does<B: Backend>(backend: impl Fn() -> B) {
    // One that a prompt part reads, merged with two others; one that a schedule part reads; one of the step.
    for (component, tensor) in [
        ("text_encoder", "encoder.block.0.layer.0.SelfAttention.q.weight"),
        ("transformer", "adaln_single.linear.bias"),
        ("transformer", "transformer_blocks.1.attn2.to_q.weight"),
    ] {
        let mut runner = load(backend());
        let folder = || Folder::open(&Subject::second().folder).expect("a model folder");
        let before = runner.generate(&request(6));
        let changed = Negated { folder: folder(), tensor };
        block_on(runner.pipeline.replace(component, tensor, &changed)).expect("a leaf of the model");
        let after = runner.generate(&request(6));
        let fresh = Runner::load_files(backend(), &changed, Precision::F32).generate(&request(6));
        assert!(after.images != before.images, "{tensor} changes nothing");
        assert!(after.images == fresh.images, "{tensor}: not what a fresh load makes");
        block_on(runner.pipeline.replace(component, tensor, &folder())).expect("a leaf of the model");
        assert!(runner.generate(&request(6)).images == before.images, "{tensor}: it does not come back");
    }
}

#[test]
fn a_seed_is_the_same_noise_on_every_backend() {
    let Some(gpu) = wgpu() else { return };
    fn bits<B: Backend>(runner: &Runner<B>) -> Vec<u32> {
        let resolved = runner.pipeline.resolve(&request(8)).expect("it can be asked for");
        let rows = row_bucket(resolved.schedule.rows.len());
        let key = ProgramKey { n: 2, width: 160, height: 96, rows, precision: Precision::F32 };
        let image = runner.pipeline.inputs(&resolved, 0, key).expect("prompts have tokens");
        assert!(!image.noise.is_empty(), "euler_a draws");
        image.latents.iter().chain(&image.noise).map(|x| x.to_bits()).collect()
    }
    assert_eq!(bits(&load(gpu)), bits(&load(CpuBackend::new(None))));
}

#[test]
fn a_device_that_can_do_the_least_makes_the_same_picture() {
    let (Some(all), Some(least)) = (wgpu_with(Limits::Adapter), wgpu_with(Limits::WebGpu)) else { return };
    let (binding, most) = (least.caps().max_binding, all.caps().max_binding);
    println!("largest binding {binding}, of the adapter {most}");
    assert!(binding <= 128 << 20, "these are not WebGPU's limits: {binding}");
    // Other kernels, where the adapter has subgroups: so not the same bytes.
    assert_eq!(least.caps().subgroup, 0);
    let (least, all) = (load(least).generate(&request(9)), load(all).generate(&request(9)));
    let apart = picture_difference(&least.images[0], &all.images[0]);
    assert!(apart <= 2, "pictures are {apart} of 255 apart");
}
