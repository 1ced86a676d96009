//! Tensors that diffusers computed, in our order of memory, and the distances that tests hold ours to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use onelaunch_core::noise::Noise;
use onelaunch_core::schedule::{Sampler, Sigmas};
use onelaunch_core::{Pace, Request};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use super::in_tree;
use crate::compare::compare;

/// A tensor with its axes outermost first; values are exact, whatever the file's type.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// Axes as in the file.
    pub shape: Vec<usize>,
    /// Content, row-major.
    pub data: Vec<f64>,
}

impl Tensor {
    /// As f32.
    #[must_use]
    pub fn f32(&self) -> Vec<f32> {
        self.data.iter().map(|&x| x as f32).collect()
    }

    /// `[.., C, H, W]` as `[.., H, W, C]`.
    ///
    /// # Panics
    /// With fewer than three axes.
    #[must_use]
    pub fn channels_last(&self) -> Vec<f32> {
        let [.., c, h, w] = self.shape[..] else {
            panic!("{:?} has no channels, rows and columns", self.shape)
        };
        let picture = |p: &[f64]| (0..c * h * w).map(|i| p[i % c * h * w + i / c] as f32).collect::<Vec<_>>();
        self.data.chunks_exact(c * h * w).flat_map(picture).collect()
    }
}

/// One trajectory: what was asked of diffusers. Its tensors are `name.*`.
#[derive(Clone, Debug)]
pub struct Trajectory {
    /// Prefix of its tensors.
    pub name: String,
    /// The same, asked of us.
    pub request: Request,
}

/// A model with its goldens.
#[derive(Debug)]
pub struct Subject {
    /// What it is called.
    pub name: &'static str,
    /// Its folder.
    pub folder: PathBuf,
    /// What final latents of its trajectories may differ, relative L2.
    pub latents: f64,
    /// What diffusers made.
    pub trajectories: Vec<Trajectory>,
    tensors: BTreeMap<String, Tensor>,
}

impl Subject {
    /// The model that ships.
    #[must_use]
    pub fn emoji() -> Self {
        let folder = in_tree("models/emoji-mini");
        let (mut tensors, about) = read(&folder.join("golden/emoji.safetensors"));
        let text = |key: &str| about[key].as_str().unwrap_or_default().to_owned();
        let all: Value = serde_json::from_str(&text("trajectories")).expect("the metadata is JSON");
        let trajectories = trajectories(&all, text("seed").parse().ok());
        tensors.extend(read(&in_tree("tests/golden/emoji_blocks.safetensors")).0);
        Self { name: "emoji-mini", folder, latents: 1e-3, trajectories, tensors }
    }

    /// The one of the same classes with random weights, in which everything else differs.
    #[must_use]
    pub fn second() -> Self {
        let (tensors, about) = read(&in_tree("tests/golden/second.safetensors"));
        let about: Value = serde_json::from_str(about["json"].as_str().unwrap_or_default()).expect("JSON");
        let mut trajectories = trajectories(&about["trajectories"], None);
        let side = |key: &str| about["picture"][key].as_u64().map(|s| s as usize);
        for trajectory in &mut trajectories {
            (trajectory.request.width, trajectory.request.height) = (side("width"), side("height"));
        }
        let folder = in_tree("tests/golden/second");
        Self { name: "second", folder, latents: 1e-4, trajectories, tensors }
    }

    /// A tensor.
    ///
    /// # Panics
    /// If there is none of that name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{}: no golden {name}", self.name))
    }

    /// Names of its tensors that begin so.
    pub fn names(&self, prefix: &str) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str).filter(move |name| name.starts_with(prefix))
    }
}

fn read(path: &std::path::Path) -> (BTreeMap<String, Tensor>, Value) {
    let bytes = std::fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let (_, about) = SafeTensors::read_metadata(&bytes).expect("goldens are safetensors");
    let about = about.metadata().iter().flatten().map(|(k, v)| (k.clone(), Value::from(v.as_str())));
    let file = SafeTensors::deserialize(&bytes).expect("goldens are safetensors");
    let tensor = |view: safetensors::tensor::TensorView<'_>| {
        let data = match view.dtype() {
            Dtype::F32 => values(view.data(), |b| f64::from(f32::from_le_bytes(b))),
            Dtype::F64 => values(view.data(), f64::from_le_bytes),
            Dtype::I32 => values(view.data(), |b| f64::from(i32::from_le_bytes(b))),
            other => panic!("goldens have no {other:?}"),
        };
        Tensor { shape: view.shape().to_vec(), data }
    };
    let tensors = file.tensors().into_iter().map(|(name, view)| (name, tensor(view)));
    (tensors.collect(), about.collect())
}

fn values<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks::<N>().0.iter().map(|&b| value(b)).collect()
}

/// Requests for the recorded trajectories. A name is its sampler's, with what differs behind it.
fn trajectories(all: &Value, seed: Option<u64>) -> Vec<Trajectory> {
    let one = |(name, about): (&String, &Value)| {
        let text = |key: &str| about[key].as_str().unwrap_or_default().to_owned();
        let sampler =
            ["ddim", "dpmpp_2m", "euler_a", "euler", "lcm"].into_iter().find(|s| name.starts_with(s));
        let sampler = sampler.and_then(|s| s.parse::<Sampler>().ok());
        let request = Request {
            prompt: text("prompt"),
            negative: text("negative"),
            steps: about["steps"].as_u64().map(|s| s as usize),
            guidance: about["guidance"].as_f64(),
            eta: about["eta"].as_f64(),
            sampler: Some(sampler.unwrap_or_else(|| panic!("trajectory {name} is of no known sampler"))),
            sigmas: name.ends_with("_karras").then_some(Sigmas::Karras),
            seed: about["seed"].as_u64().or(seed).unwrap_or_else(|| panic!("{name} has no seed")),
            noise: Noise::TorchCpu,
            pace: Pace::Whole,
            ..Request::default()
        };
        Trajectory { name: name.clone(), request }
    };
    all.as_object().expect("trajectories by name").iter().map(one).collect()
}

/// Distance in relative L2; infinite where lengths differ or something is not finite.
#[must_use]
pub fn relative(got: &[f32], want: &[f32]) -> f64 {
    let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    compare(&wide(got), &wide(want)).l2
}

/// Fails unless `got` is within `most` of `want`, relative L2, and prints the distance.
///
/// # Panics
/// Where it is not.
#[track_caller]
pub fn assert_close(what: &str, got: &[f32], want: &[f32], most: f64) {
    let distance = relative(got, want);
    println!("{what}: {distance:.2e}");
    assert!(
        distance <= most,
        "{what}: relative L2 {distance:e} (of {} and {}), more than {most:e}",
        got.len(),
        want.len()
    );
}

/// Largest difference of the colour bytes of an RGBA picture from `[3, H, W]` in [0, 1], in bytes, which need not be whole.
#[must_use]
pub fn byte_difference(rgba: &[u8], want: &Tensor) -> f64 {
    let want = want.channels_last();
    if rgba.len() / 4 != want.len() / 3 {
        return f64::INFINITY;
    }
    let rgb = rgba.chunks_exact(4).flat_map(|p| &p[..3]);
    rgb.zip(&want).map(|(&g, &w)| (f64::from(g) - f64::from(w) * 255.0).abs()).fold(0.0, f64::max)
}

/// Largest difference of two pictures' bytes.
#[must_use]
pub fn picture_difference(a: &[u8], b: &[u8]) -> u8 {
    if a.len() != b.len() {
        return u8::MAX;
    }
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(u8::MAX)
}

/// Peak signal to noise of the colours of two RGBA pictures, dB.
#[must_use]
pub fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let colours = |rgba: &[u8]| -> Vec<f64> {
        rgba.chunks_exact(4).flat_map(|p| &p[..3]).map(|&x| f64::from(x)).collect()
    };
    let (a, b) = (colours(a), colours(b));
    let error: f64 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / error).log10()
}
