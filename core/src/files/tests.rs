//! Which file of a component is opened, over a folder that lives in a map.

use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::*;
use crate::weights::BytesSource;

#[derive(Default)]
struct InMemory(BTreeMap<String, Vec<u8>>);

impl ModelFiles for InMemory {
    fn read<'a>(&'a self, path: &'a str) -> MaybeFuture<'a, Result<Option<Vec<u8>>, FileError>> {
        Box::pin(std::future::ready(Ok(self.0.get(path).cloned())))
    }

    fn open<'a>(
        &'a self,
        path: &'a str,
    ) -> MaybeFuture<'a, Result<Option<Box<dyn TensorSource>>, FileError>> {
        Box::pin(async move {
            let Some(bytes) = self.0.get(path) else { return Ok(None) };
            Ok(Some(Box::new(BytesSource::new(path, bytes.clone())?) as Box<dyn TensorSource>))
        })
    }

    fn describe(&self) -> String {
        "memory".into()
    }
}

/// A file of one tensor per name.
fn tensors(names: &[&str]) -> Vec<u8> {
    let views = names.iter().map(|&n| (n, TensorView::new(Dtype::U8, vec![1], &[7]).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn open(files: &[(&str, Vec<u8>)]) -> Result<Vec<String>, FileError> {
    let files = InMemory(files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())).collect());
    let source = pollster::block_on(open_component(&files, "unet", &["diffusion", "model"]))?;
    Ok(source.entries().keys().cloned().collect())
}

fn index(shards: &[(&str, &str)]) -> Vec<u8> {
    let map: BTreeMap<_, _> = shards.iter().copied().collect();
    serde_json::to_vec(&serde_json::json!({"metadata": {"total_size": 2}, "weight_map": map})).unwrap()
}

#[test]
fn order_of_preference() {
    let full = ("unet/diffusion.safetensors", tensors(&["full"]));
    let half = ("unet/diffusion.fp16.safetensors", tensors(&["half"]));
    let other = ("unet/model.safetensors", tensors(&["other"]));
    assert_eq!(open(&[half.clone(), other.clone(), full]).unwrap(), ["full"]);
    assert_eq!(open(&[half.clone(), other]).unwrap(), ["other"]);
    assert_eq!(open(&[half]).unwrap(), ["half"]);
}

#[test]
fn shards_in_every_naming() {
    for (path, a, b) in [
        (
            "diffusion.safetensors.index.json",
            "diffusion-00001-of-00002.safetensors",
            "diffusion-00002-of-00002.safetensors",
        ),
        (
            "diffusion.safetensors.index.fp16.json",
            "diffusion.fp16-00001-of-00002.safetensors",
            "diffusion.fp16-00002-of-00002.safetensors",
        ),
        (
            "diffusion.fp16.safetensors.index.json",
            "diffusion-00001-of-00002.fp16.safetensors",
            "diffusion-00002-of-00002.fp16.safetensors",
        ),
    ] {
        let [path, first, second] = [path, a, b].map(|name| format!("unet/{name}"));
        let all = [
            (path.as_str(), index(&[("x", a), ("y", b), ("z", b)])),
            (first.as_str(), tensors(&["x"])),
            (second.as_str(), tensors(&["y", "z"])),
        ];
        assert_eq!(open(&all).unwrap(), ["x", "y", "z"], "{path}");
        let error = open(&all[..2]).unwrap_err().to_string();
        assert!(error.contains(&format!("it names `{b}`, which is not there")), "{error}");
    }
}

#[test]
fn errors_say_what_to_do() {
    let error = |files: &[(&str, Vec<u8>)]| open(files).unwrap_err().to_string();
    let none = error(&[]);
    for name in
        ["unet/diffusion.safetensors", "unet/diffusion.fp16.safetensors", "unet/model.safetensors.index.json"]
    {
        assert!(none.contains(name), "{none}");
    }
    for name in ["unet/diffusion.bin", "unet/pytorch_model.bin", "unet/model.fp16.bin"] {
        let pickle = error(&[(name, b"PK\x03\x04 not tensors".to_vec())]);
        assert!(pickle.contains(name) && pickle.contains("safe_serialization=True"), "{pickle}");
    }
    assert!(error(&[("unet/diffusion.safetensors", vec![0; 9])]).contains("unet/diffusion.safetensors"));
    let path = "unet/diffusion.safetensors.index.json";
    assert!(error(&[(path, b"{}".to_vec())]).contains("weight_map"));
    for outside in ["../vae/x.safetensors", "..", "a\\b"] {
        assert!(error(&[(path, index(&[("x", outside)]))]).contains("not a plain path"), "{outside}");
    }
}
