//! A wgpu device that fails: memory that does not suffice and a device that is lost come back as errors, each forced here.

use std::sync::Mutex;

use onelaunch::Folder;
use onelaunch_core::backend::Backend;
use onelaunch_core::compile::{ProgramKey, row_bucket};
use onelaunch_core::pipeline::{GenerateError, Pipeline};
use onelaunch_core::{Cancel, DeviceError, Event, LoadError, Pace, Precision, Request};
use onelaunch_tests::models::golden::{Subject, picture_difference};
use onelaunch_tests::models::wgpu;
use onelaunch_wgpu::WgpuBackend;
use pollster::block_on;

fn load(backend: WgpuBackend) -> Result<Pipeline<WgpuBackend>, LoadError> {
    let folder = Folder::open(&Subject::second().folder).expect("the second model is in the tree");
    block_on(Pipeline::load(backend, &folder, Precision::F32, &|_| {}))
}

/// The same adapter with a budget.
fn within(bytes: u64) -> Option<WgpuBackend> {
    let all = wgpu()?;
    let (device, queue) = all.device();
    let info = device.adapter_info();
    Some(WgpuBackend::from_device(&info, device.clone(), queue.clone(), Some(bytes)))
}

fn request() -> Request {
    let size = Some(64);
    Request {
        prompt: "x".into(),
        steps: Some(1),
        width: size,
        height: size,
        pace: Pace::Whole,
        ..Request::default()
    }
}

#[test]
fn weights_beyond_the_budget_are_an_error() {
    let Some(backend) = within(100_000) else { return };
    let Err(why) = load(backend.clone()) else { panic!("a model was loaded into 100 kB") };
    let told = matches!(&why, LoadError::Device(DeviceError::OutOfMemory { needed, free: Some(100_000) }) if *needed > 100_000);
    assert!(told, "{why:?}");
    assert_eq!(backend.bytes_used(), 0, "nothing stays allocated");
}

#[test]
fn a_picture_beyond_the_budget_is_an_error_and_a_smaller_one_still_comes() {
    let Some(backend) = within(16 << 20) else { return };
    let pipeline = load(backend).expect("the weights fit");
    let large = Request { width: Some(512), height: Some(512), ..request() };
    let why = block_on(pipeline.generate(&large, &Cancel::new(), None)).expect_err("it does not fit");
    assert!(matches!(why, GenerateError::Device(DeviceError::OutOfMemory { .. })), "{why:?}");
    block_on(pipeline.generate(&request(), &Cancel::new(), None)).expect("this one fits");
}

/// The plan of one launch says what it takes, so a budget can be put between two sizes of launch.
#[test]
fn a_launch_without_memory_is_split() {
    let Some(backend) = wgpu() else { return };
    let all = load(backend.clone()).expect("it loads");
    let four = Request { count: Some(4), seed: 3, ..request() };
    let whole = block_on(all.generate(&four, &Cancel::new(), None)).expect("there is memory");
    assert_eq!(whole.timings.launches, 1);
    let session = |n| {
        let key = ProgramKey { n, width: 64, height: 64, rows: row_bucket(1), precision: Precision::F32 };
        let planned = all.plan(key).expect("it can be planned");
        let regions = backend.regions(&planned, 0).expect("it can be planned");
        regions.iter().map(|r| r.bytes).sum::<u64>()
    };
    let room = all.store().bytes() + (session(2) + session(4)) / 2;
    drop(all);
    let pipeline = load(within(room).expect("the same adapter")).expect("the weights fit");
    let warnings = Mutex::new(Vec::new());
    let watch = |event| {
        if let Event::Warning(text) = event {
            warnings.lock().expect("no test panics here").push(text);
        }
    };
    let split = block_on(pipeline.generate(&four, &Cancel::new(), Some(&watch))).expect("two at a time fit");
    assert_eq!((split.timings.launches, split.timings.readbacks), (2, 2));
    for (at, (one, other)) in split.images.iter().zip(&whole.images).enumerate() {
        assert!(picture_difference(one, other) <= 2, "picture {at} depends on the split");
    }
    let warnings = warnings.into_inner().expect("no test panics here");
    assert!(warnings.len() == 1 && warnings[0].contains("2 at a time"), "{warnings:?}");
    // The session of this size is idle, and is given up for one of another.
    let wide = Request { width: Some(96), count: Some(2), ..request() };
    block_on(pipeline.generate(&wide, &Cancel::new(), None)).expect("idle sessions make room");
}

#[test]
fn a_device_lost_in_the_middle_of_an_image_is_an_error() {
    let Some(backend) = wgpu() else { return };
    let pipeline = load(backend.clone()).expect("it loads");
    // The first image of a pipeline is cut into chunks, so there is a middle.
    let request = Request { steps: Some(20), pace: Pace::Measured, ..request() };
    let watch = |event: Event| {
        if matches!(event, Event::Step(..)) {
            backend.device().0.destroy();
        }
    };
    let why =
        block_on(pipeline.generate(&request, &Cancel::new(), Some(&watch))).expect_err("the device is gone");
    assert!(matches!(why, GenerateError::Device(DeviceError::DeviceLost(_))), "{why:?}");
}

#[test]
fn a_lost_device_is_an_error_and_the_next_load_works() {
    let Some(backend) = wgpu() else { return };
    let pipeline = load(backend.clone()).expect("it loads");
    block_on(pipeline.generate(&request(), &Cancel::new(), None)).expect("the device is there");
    backend.device().0.destroy();
    for _ in 0..2 {
        let why =
            block_on(pipeline.generate(&request(), &Cancel::new(), None)).expect_err("the device is gone");
        assert!(matches!(why, GenerateError::Device(DeviceError::DeviceLost(_))), "{why:?}");
    }
    let again = wgpu().expect("it was there before");
    let pipeline = load(again).expect("it loads again");
    block_on(pipeline.generate(&request(), &Cancel::new(), None)).expect("the new device makes pictures");
}
