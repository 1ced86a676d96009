//! Whole pictures of the model that ships, on a wgpu adapter and on the reference; and what happens when the device fails.

use std::path::PathBuf;

use onelaunch_core::files::{FileError, ModelFiles};
use onelaunch_core::maybe::MaybeFuture;
use onelaunch_core::pipeline::{Cancel, GenerateError, Pipeline};
use onelaunch_core::weights::{BytesSource, TensorSource};
use onelaunch_core::{Backend, CpuBackend, DeviceError, LoadError, Precision, Request};
use onelaunch_wgpu::{Select, WgpuBackend};

struct Folder(PathBuf);

impl ModelFiles for Folder {
    fn read<'a>(&'a self, path: &'a str) -> MaybeFuture<'a, Result<Option<Vec<u8>>, FileError>> {
        let bytes = std::fs::read(self.0.join(path)).ok();
        Box::pin(std::future::ready(Ok(bytes)))
    }
    fn open<'a>(
        &'a self,
        path: &'a str,
    ) -> MaybeFuture<'a, Result<Option<Box<dyn TensorSource>>, FileError>> {
        let Ok(bytes) = std::fs::read(self.0.join(path)) else {
            return Box::pin(std::future::ready(Ok(None)));
        };
        let source = BytesSource::new(path, bytes).map(|s| Some(Box::new(s) as Box<dyn TensorSource>));
        Box::pin(std::future::ready(source.map_err(Into::into)))
    }
    fn describe(&self) -> String {
        self.0.display().to_string()
    }
}

fn model() -> Folder {
    Folder(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/emoji-mini"))
}

fn backend(budget: Option<u64>) -> Option<WgpuBackend> {
    let name = std::env::var("ONELAUNCH_TEST_ADAPTER").unwrap_or_else(|_| "llvmpipe".into());
    match pollster::block_on(WgpuBackend::new(&Select { name: Some(name), budget })) {
        Ok(backend) => Some(backend),
        Err(why) => {
            println!("SKIPPED wgpu: {why}");
            assert!(std::env::var_os("ONELAUNCH_REQUIRE_WGPU").is_none(), "a wgpu adapter is required");
            None
        }
    }
}

fn request(steps: usize, seed: u64, whole: bool) -> Request {
    Request { prompt: "a red heart".into(), steps: Some(steps), seed, whole, ..Default::default() }
}

/// Mean and largest difference of colour bytes.
fn difference(a: &[u8], b: &[u8]) -> (f64, u8) {
    assert_eq!(a.len(), b.len());
    let all = || a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    (all().map(f64::from).sum::<f64>() / a.len() as f64, all().max().unwrap_or(255))
}

#[test]
fn a_picture_is_that_of_the_reference() {
    let Some(wgpu) = backend(None) else { return };
    let f16 = wgpu.caps().f16;
    let cpu =
        pollster::block_on(Pipeline::load(CpuBackend::new(None), &model(), Precision::F32, &|_| {})).unwrap();
    let gpu = pollster::block_on(Pipeline::load(wgpu.clone(), &model(), Precision::F32, &|_| {})).unwrap();
    let never = Cancel::new();
    for (seed, whole) in [(1, true), (2, true), (2, false)] {
        let request = request(6, seed, whole);
        let want = pollster::block_on(cpu.generate(&request, &never, None)).unwrap();
        let got = pollster::block_on(gpu.generate(&request, &never, None)).unwrap();
        let (mean, most) = difference(&got.images[0], &want.images[0]);
        println!("seed {seed} whole {whole}: mean {mean:.4} max {most}; {:?}", got.timings);
        assert!(most <= 2 && mean < 0.05, "seed {seed}: mean {mean}, max {most}");
        if whole {
            assert_eq!((got.timings.submits, got.timings.readbacks), (1, 1), "one launch per image");
        }
    }
    if f16 {
        let half = pollster::block_on(Pipeline::load(wgpu, &model(), Precision::F16, &|_| {})).unwrap();
        let want = pollster::block_on(cpu.generate(&request(6, 1, true), &never, None)).unwrap();
        let got = pollster::block_on(half.generate(&request(6, 1, true), &never, None)).unwrap();
        let (mean, most) = difference(&got.images[0], &want.images[0]);
        println!("f16: mean {mean:.4} max {most}; {:?}", got.timings);
        assert!(mean < 1.0, "f16: mean {mean}, max {most}");
    }
}

#[test]
fn too_little_memory_is_an_error() {
    let Some(wgpu) = backend(Some(1 << 20)) else { return };
    let loaded = pollster::block_on(Pipeline::load(wgpu, &model(), Precision::F32, &|_| {}));
    let Err(why) = loaded else { panic!("loaded into a megabyte") };
    assert!(
        matches!(&why, LoadError::Device(DeviceError::OutOfMemory { needed, free: Some(_) }) if *needed > 1 << 20),
        "{why}"
    );
}

#[test]
fn a_lost_device_is_an_error() {
    let Some(wgpu) = backend(None) else { return };
    let pipeline =
        pollster::block_on(Pipeline::load(wgpu.clone(), &model(), Precision::F32, &|_| {})).unwrap();
    let never = Cancel::new();
    pollster::block_on(pipeline.generate(&request(1, 1, true), &never, None)).unwrap();
    let (device, _) = wgpu.device();
    device.destroy();
    for _ in 0..2 {
        let why = pollster::block_on(pipeline.generate(&request(1, 1, true), &never, None)).unwrap_err();
        assert!(matches!(why, GenerateError::Device(DeviceError::DeviceLost(_))), "{why:?}");
    }
}
