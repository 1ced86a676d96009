//! Hostile headers: every mistake has its error, and no bytes make the parser panic.

use proptest::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::*;
use crate::weights::{BytesSource, TensorSource};

fn valid() -> Vec<u8> {
    let (a, b): (Vec<u8>, Vec<u8>) = ((0..24).collect(), (100..108).collect());
    let views = [
        ("a", TensorView::new(Dtype::F32, vec![2, 3], &a).unwrap()),
        ("b.bias", TensorView::new(Dtype::F16, vec![4], &b).unwrap()),
        ("empty", TensorView::new(Dtype::BF16, vec![0, 7], &[]).unwrap()),
    ];
    safetensors::serialize(views, None).unwrap()
}

fn file(json: &str, data: usize) -> Vec<u8> {
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.as_bytes());
    bytes.extend(vec![0; data]);
    bytes
}

fn error(bytes: &[u8]) -> String {
    parse_file("x.safetensors", bytes).unwrap_err().to_string()
}

#[test]
fn reads_what_safetensors_writes() {
    let bytes = valid();
    let source = BytesSource::new("x", bytes.clone()).unwrap();
    let entry = &source.entries()["a"];
    assert_eq!((entry.dtype, &entry.shape[..], entry.bytes()), (Dtype::F32, &[2, 3][..], 24));
    assert_eq!(bytes[entry.start as usize..entry.end as usize], (0..24).collect::<Vec<u8>>());
    let mut got = [0; 3];
    pollster::block_on(source.read("b.bias", 5..8, &mut got)).unwrap();
    assert_eq!(got, [105, 106, 107]);
    assert_eq!(source.entries()["empty"].bytes(), 0);
    let mut bad =
        |name, range| pollster::block_on(source.read(name, range, &mut got)).unwrap_err().to_string();
    assert!(bad("c", 0..3).contains("no tensor `c`"));
    assert!(bad("b.bias", 6..9).contains("`b.bias` has 8 bytes"));
    assert!(bad("b.bias", 0..4).contains("buffer of 3"));
    #[expect(clippy::reversed_empty_ranges, reason = "the mistake under test")]
    let reversed = 3..0;
    assert!(bad("b.bias", reversed).contains("bytes 3..0"));
}

#[test]
fn length_must_be_exact() {
    let bytes = valid();
    for cut in 1..bytes.len() {
        let short = error(&bytes[..bytes.len() - cut]);
        assert!(short.contains("bytes short: download it again"), "{cut}: {short}");
    }
    assert!(error(&bytes[..bytes.len() - 5]).contains("is 5 bytes short"));
    assert!(error(&[]).contains("is 8 bytes short"));
    let longer = [&bytes[..], &[0; 3]].concat();
    assert!(error(&longer).contains("3 bytes follow the last tensor"));
}

#[test]
fn every_mistake_has_its_error() {
    let one = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"a": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": {offsets}}}}}"#)
    };
    assert!(parse_file("x", &file(&one("F32", "[2]", "[0, 8]"), 8)).is_ok());
    for (json, data) in [
        (one("F33", "[2]", "[0, 8]"), 8),
        (one("F32", "[3]", "[0, 8]"), 8),
        (one("F32", "[-1]", "[0, 8]"), 8),
        (one("F32", "[2]", "[8, 0]"), 8),
        (one("F32", "[2]", "[4, 12]"), 12),
        (one("F32", "[4294967296, 4294967296]", "[0, 8]"), 8),
        (one("F32", "[18446744073709551615]", "[0, 8]"), 8),
        (one("F32", "[2]", "[0, 18446744073709551616]"), 8),
        (one("F32", "[2]", "[18446744073709551608, 18446744073709551615]"), 8),
        (r#"{"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "b": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]}}"#.into(), 6),
        (r#"{"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "b": {"dtype": "U8", "shape": [4], "data_offsets": [5, 9]}}"#.into(), 9),
        ("{".into(), 0),
        ("[]".into(), 0),
        ("\u{1}".into(), 0),
        ("[".repeat(100_000), 0),
    ] {
        let error = error(&file(&json, data));
        let shown: String = json.chars().take(60).collect();
        assert!(error.contains("x.safetensors: the safetensors header"), "{shown}: {error}");
    }
    assert!(error(&[&u64::MAX.to_le_bytes()[..], &[0; 99]].concat()).contains("more than the 100000000"));
    assert!(error(&[&MAX_HEADER.to_le_bytes()[..], &[0; 99]].concat()).contains("99999901 bytes short"));
    assert!(error(b"version https://git-lfs.github.com/spec/v1\n").contains("git lfs pull"));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse_file("x", &bytes).is_err() || bytes.len() >= 10);
    }

    #[test]
    fn random_json_never_panics(json in r#"[\{\}\[\]",:0-9a-zA-Z_]{0,80}"#, data in 0usize..20) {
        if let Ok(entries) = parse_file("x", &file(&json, data)) {
            prop_assert!(entries.values().all(|e| e.start <= e.end && e.end <= (8 + json.len() + data) as u64));
        }
    }

    #[test]
    fn random_offsets_never_reach_outside(
        shape in prop::collection::vec(prop_oneof![0..6u64, any::<u64>()], 0..4),
        start in prop_oneof![0..9u64, any::<u64>()],
        end in prop_oneof![0..40u64, any::<u64>()],
        data in 0usize..40,
    ) {
        let json = format!(r#"{{"a": {{"dtype": "U8", "shape": {shape:?}, "data_offsets": [{start}, {end}]}}}}"#);
        let bytes = file(&json, data);
        if let Ok(entries) = parse_file("x", &bytes) {
            let entry = &entries["a"];
            prop_assert_eq!(entry.end, bytes.len() as u64);
            prop_assert_eq!(entry.bytes(), shape.iter().product::<u64>());
        }
    }

    #[test]
    fn flipped_bits_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..6)) {
        let mut bytes = valid();
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        if let Ok(entries) = parse_file("x", &bytes) {
            prop_assert!(entries.values().all(|e| e.start <= e.end && e.end <= bytes.len() as u64));
        }
    }
}
