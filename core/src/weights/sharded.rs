//! Several safetensors files that an index joins: `{"weight_map": {"name": "model-00001-of-00002.safetensors"}}`.
//! The layout is that of `save_pretrained` in transformers and diffusers.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{SourceError, TensorEntry, TensorSource};
use crate::maybe::MaybeFuture;

/// Shards as one source.
pub struct ShardedSource {
    index: String,
    shards: Vec<Box<dyn TensorSource>>,
    /// Name → shard.
    home: BTreeMap<String, usize>,
    entries: BTreeMap<String, TensorEntry>,
}

impl ShardedSource {
    /// Joins `shards` (by file name) as `weight_map` (tensor → file name) says; `index` is what messages call the index file.
    ///
    /// A tensor that is in a shard and not in the map is joined too, so that accounting sees it.
    ///
    /// # Errors
    /// [`SourceError::Shards`] where the map names a shard or a tensor that is not there, or a tensor that the map does not
    /// place is in two shards.
    pub fn new(
        index: impl Into<String>,
        shards: BTreeMap<String, Box<dyn TensorSource>>,
        weight_map: &BTreeMap<String, String>,
    ) -> Result<Self, SourceError> {
        let index = index.into();
        let fail = |why: String| SourceError::Shards { index: index.clone(), why };
        let (mut home, mut entries) = (BTreeMap::new(), BTreeMap::new());
        let (files, shards): (Vec<_>, Vec<_>) = shards.into_iter().unzip();
        for (name, file) in weight_map {
            let at = files.iter().position(|f| f == file);
            let at = at.ok_or_else(|| fail(format!("shard `{file}` is missing")))?;
            let entry = shards[at].entries().get(name);
            let entry = entry.ok_or_else(|| fail(format!("tensor `{name}` is not in `{file}`")))?;
            home.insert(name.clone(), at);
            entries.insert(name.clone(), entry.clone());
        }
        for (at, shard) in shards.iter().enumerate() {
            for (name, entry) in shard.entries().iter().filter(|(name, _)| !weight_map.contains_key(*name)) {
                if let Some(other) = home.insert(name.clone(), at) {
                    let (a, b) = (&files[other], &files[at]);
                    return Err(fail(format!("tensor `{name}` is in `{a}` and in `{b}`")));
                }
                entries.insert(name.clone(), entry.clone());
            }
        }
        Ok(Self { index, shards, home, entries })
    }
}

impl TensorSource for ShardedSource {
    fn entries(&self) -> &BTreeMap<String, TensorEntry> {
        &self.entries
    }

    fn file(&self, name: &str) -> usize {
        self.home.get(name).copied().unwrap_or(0)
    }

    fn read<'a>(
        &'a self,
        name: &'a str,
        range: Range<u64>,
        into: &'a mut [u8],
    ) -> MaybeFuture<'a, Result<(), SourceError>> {
        match self.home.get(name) {
            Some(&at) => self.shards[at].read(name, range, into),
            None => {
                let error = SourceError::NoTensor { file: self.index.clone(), name: name.into() };
                Box::pin(std::future::ready(Err(error)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::BytesSource;

    fn shard(names: &[(&str, u8)]) -> Box<dyn TensorSource> {
        let data: Vec<_> = names.iter().map(|&(_, b)| [b; 4]).collect();
        let views = names.iter().zip(&data).map(|(&(name, _), bytes)| {
            (name, safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], bytes).unwrap())
        });
        Box::new(BytesSource::new("shard", safetensors::serialize(views, None).unwrap()).unwrap())
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(k, v)| (k.into(), v.into())).collect()
    }

    fn shards() -> BTreeMap<String, Box<dyn TensorSource>> {
        [("1".to_owned(), shard(&[("a", 1), ("b", 2)])), ("2".to_owned(), shard(&[("c", 3), ("b", 4)]))]
            .into()
    }

    #[test]
    fn the_map_decides() {
        let joined = ShardedSource::new("index", shards(), &map(&[("a", "1"), ("b", "2")])).unwrap();
        assert_eq!(joined.entries().keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        let mut got = [0; 4];
        for (name, byte) in [("a", 1), ("b", 4), ("c", 3)] {
            pollster::block_on(joined.read(name, 0..4, &mut got)).unwrap();
            assert_eq!(got, [byte; 4], "{name}");
        }
        assert_eq!(["a", "b", "c"].map(|name| joined.file(name)), [0, 1, 1]);
        assert!(pollster::block_on(joined.read("d", 0..4, &mut got)).is_err());
        assert!(pollster::block_on(joined.read("a", 1..5, &mut got)).is_err());
        assert!(pollster::block_on(joined.read("a", 0..3, &mut got)).is_err());
    }

    #[test]
    fn disagreement_is_an_error() {
        for (pairs, word) in [
            (&[("a", "1"), ("b", "1"), ("x", "2")][..], "`x` is not in `2`"),
            (&[("a", "3")], "shard `3` is missing"),
            (&[("a", "1")], "`b` is in `1` and in `2`"),
        ] {
            let error = ShardedSource::new("index", shards(), &map(pairs)).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
