//! A model folder as core sees it: files by relative path, wherever they lie. Hosts implement [`ModelFiles`]; core finds the
//! weights of a component among them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::maybe::{MaybeFuture, WasmNotSendSync};
use crate::weights::{ShardedSource, SourceError, TensorSource};

/// Why a file of a model cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Reading failed.
    #[error("{path}: cannot be read: {why}")]
    Read {
        /// The file.
        path: String,
        /// What the host said.
        why: String,
    },
    /// A path that leaves the model's folder.
    #[error("{path}: not a plain path inside of the model folder: correct the file that names it")]
    Outside {
        /// The path.
        path: String,
    },
    /// A file of tensors that cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An index that cannot be used.
    #[error("{path}: not an index of shards ({why}): download it again")]
    Index {
        /// The index.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Weights as a pickle.
    #[error(
        "{path} is a Python pickle, which can run any code and is not read: get the .safetensors of this model, or convert it in Python with `model.save_pretrained(DIR, safe_serialization=True)`"
    )]
    Pickle {
        /// The file.
        path: String,
    },
    /// No weights.
    #[error("{component}: no weights; looked for {tried}: download the folder again, with its large files")]
    NoWeights {
        /// The component.
        component: String,
        /// Every path that was tried.
        tried: String,
    },
}

/// The files of one model. Paths are relative, with `/`: `vae/config.json`.
pub trait ModelFiles: WasmNotSendSync {
    /// All bytes of a file; `None` where there is none.
    ///
    /// # Errors
    /// [`FileError`] where there is one and it cannot be read.
    fn read<'a>(&'a self, path: &'a str) -> MaybeFuture<'a, Result<Option<Vec<u8>>, FileError>>;

    /// The tensors of a safetensors file; `None` where there is none.
    ///
    /// # Errors
    /// [`FileError::Source`] where the file is no safetensors, other [`FileError`]s where it cannot be read.
    fn open<'a>(&'a self, path: &'a str)
    -> MaybeFuture<'a, Result<Option<Box<dyn TensorSource>>, FileError>>;

    /// What a person calls this place: a path or an address.
    fn describe(&self) -> String;
}

/// `model.safetensors.index.json` of transformers and diffusers.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Opens the weights of `component`, a folder. `stems` are the names before `.safetensors`, in order of preference:
/// `diffusion_pytorch_model` in diffusers, `model` in transformers.
///
/// Tries for each stem one file, then shards, then the same as variant `fp16`; an index that names shards may order variant and
/// number either way, since its `weight_map` has the names.
///
/// # Errors
/// [`FileError`]; a folder that has only a `.bin` is refused by name.
pub async fn open_component(
    files: &dyn ModelFiles,
    component: &str,
    stems: &[&str],
) -> Result<Box<dyn TensorSource>, FileError> {
    let mut tried = Vec::new();
    for variant in ["", ".fp16"] {
        for stem in stems {
            let path = format!("{component}/{stem}{variant}.safetensors");
            if let Some(source) = files.open(&path).await? {
                return Ok(source);
            }
            tried.push(path);
            let mut indices = vec![format!("{component}/{stem}{variant}.safetensors.index.json")];
            if !variant.is_empty() {
                indices.insert(0, format!("{component}/{stem}.safetensors.index{variant}.json"));
            }
            for path in indices {
                if let Some(bytes) = files.read(&path).await? {
                    return open_shards(files, component, &path, &bytes).await;
                }
                tried.push(path);
            }
        }
    }
    for variant in ["", ".fp16"] {
        for stem in stems.iter().chain(&["pytorch_model"]) {
            let path = format!("{component}/{stem}{variant}.bin");
            // Opening reads a header at most; a pickle has none, so any verdict on its contents says that it is there.
            match files.open(&path).await {
                Ok(None) => {}
                Ok(Some(_)) | Err(FileError::Source(_)) => return Err(FileError::Pickle { path }),
                Err(other) => return Err(other),
            }
        }
    }
    Err(FileError::NoWeights { component: component.into(), tried: tried.join(", ") })
}

async fn open_shards(
    files: &dyn ModelFiles,
    component: &str,
    path: &str,
    bytes: &[u8],
) -> Result<Box<dyn TensorSource>, FileError> {
    let index: Index = serde_json::from_slice(bytes)
        .map_err(|e| FileError::Index { path: path.into(), why: e.to_string() })?;
    let mut shards = BTreeMap::new();
    for name in index.weight_map.values() {
        if name.contains(['/', '\\']) || name == ".." {
            return Err(FileError::Outside { path: name.clone() });
        }
        if shards.contains_key(name) {
            continue;
        }
        let shard = files.open(&format!("{component}/{name}")).await?;
        let shard = shard.ok_or_else(|| FileError::Index {
            path: path.into(),
            why: format!("it names `{name}`, which is not there"),
        })?;
        shards.insert(name.clone(), shard);
    }
    Ok(Box::new(ShardedSource::new(path, shards, &index.weight_map)?))
}

#[cfg(test)]
mod tests;
