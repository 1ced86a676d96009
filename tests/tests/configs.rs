//! Configs that somebody changed: whatever stands in them, loading ends with a plan or with an error that names the trouble, never with
//! a panic and never with memory that the files do not justify.

use std::collections::BTreeMap;

use onelaunch::Folder;
use onelaunch_core::compile::{ProgramKey, row_bucket};
use onelaunch_core::files::{FileError, ModelFiles};
use onelaunch_core::maybe::MaybeFuture;
use onelaunch_core::pipeline::Prepared;
use onelaunch_core::weights::TensorSource;
use onelaunch_core::{CpuBackend, Precision};
use onelaunch_tests::models::golden::Subject;
use pollster::block_on;
use proptest::prelude::*;
use serde_json::{Value, json};

const CONFIGS: [&str; 6] = [
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "tokenizer/tokenizer_config.json",
    "transformer/config.json",
    "vae/config.json",
];

/// A model folder with some files replaced.
struct Changed {
    folder: Folder,
    files: BTreeMap<String, Vec<u8>>,
}

impl ModelFiles for Changed {
    fn read<'a>(&'a self, path: &'a str) -> MaybeFuture<'a, Result<Option<Vec<u8>>, FileError>> {
        match self.files.get(path) {
            Some(bytes) => Box::pin(std::future::ready(Ok(Some(bytes.clone())))),
            None => self.folder.read(path),
        }
    }
    fn open<'a>(
        &'a self,
        path: &'a str,
    ) -> MaybeFuture<'a, Result<Option<Box<dyn TensorSource>>, FileError>> {
        self.folder.open(path)
    }
    fn describe(&self) -> String {
        self.folder.describe()
    }
}

/// All places of a JSON value that hold something.
fn places(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| places(v, format!("{at}/{key}"), into)),
        Value::Array(all) => all.iter().enumerate().for_each(|(i, v)| places(v, format!("{at}/{i}"), into)),
        _ => {}
    }
    if !at.is_empty() {
        into.push(at);
    }
}

/// What people and broken tools write.
fn wrong() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!("")),
        Just(json!("magic")),
        Just(json!([])),
        Just(json!({})),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(1.5)),
        Just(json!(1e300)),
        Just(json!(i64::MAX)),
        Just(json!(u64::MAX)),
        (1u32..100_000).prop_map(|n| json!(n)),
        (0u32..33).prop_map(|n| json!(1u64 << n)),
    ]
}

fn check(file: usize, place: prop::sample::Index, to: Option<Value>) {
    let folder = Folder::open(&Subject::emoji().folder).expect("a model folder");
    let path = CONFIGS[file];
    let bytes = block_on(folder.read(path)).expect("it can be read").expect("it is there");
    // Python writes what JSON has no word for.
    let text = String::from_utf8(bytes).expect("text").replace("Infinity", "1e300");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    let mut all = Vec::new();
    places(&config, String::new(), &mut all);
    let at = place.get(&all);
    match to {
        Some(value) => *config.pointer_mut(at).expect("a place of this file") = value,
        None => {
            let (parent, key) = at.rsplit_once('/').expect("places begin with a slash");
            match config.pointer_mut(parent).expect("a place of this file") {
                Value::Object(map) => drop(map.remove(key)),
                Value::Array(list) => drop(list.remove(key.parse().expect("an index"))),
                _ => unreachable!("only these hold others"),
            }
        }
    }
    let changed = serde_json::to_vec(&config).expect("JSON");
    let files = Changed { folder, files: BTreeMap::from([(path.to_owned(), changed)]) };
    let planned = block_on(Prepared::new(&files)).map_err(|why| why.to_string()).and_then(|mut prepared| {
        let (width, height) = prepared.model().default_size();
        let key = ProgramKey { n: 1, width, height, rows: row_bucket(4), precision: Precision::F32 };
        prepared.inspect(&CpuBackend::new(None), key, 0).map_err(|why| why.to_string())
    });
    if let Err(why) = planned {
        assert!(why.len() > 20, "{path} {at}: {why}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn changed_configs_are_plans_or_errors(
        file in 0..CONFIGS.len(),
        place in any::<prop::sample::Index>(),
        to in proptest::option::weighted(0.85, wrong()),
    ) {
        check(file, place, to);
    }
}
