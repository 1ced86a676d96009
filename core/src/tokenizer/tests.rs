//! Ids and masks against those that transformers made for the model that ships.

use safetensors::SafeTensors;
use serde_json::Value;

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/emoji-mini/");

fn file(path: &str) -> Vec<u8> {
    std::fs::read(format!("{FOLDER}{path}")).unwrap()
}

fn tokenizer() -> Tokenizer {
    let config = file("tokenizer/tokenizer_config.json");
    Tokenizer::from_bytes(&file("tokenizer/tokenizer.json"), Some(&config)).unwrap()
}

fn ids(golden: &SafeTensors<'_>, name: &str) -> Vec<u32> {
    let bytes = golden.tensor(name).unwrap();
    bytes.data().as_chunks::<4>().0.iter().map(|&b| u32::from_le_bytes(b)).collect()
}

#[test]
fn same_as_transformers() {
    let bytes = file("golden/emoji.safetensors");
    let golden = SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let cases: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["trajectories"]).unwrap();
    let tokenizer = tokenizer();
    let cases = cases.as_object().unwrap();
    assert!(cases.len() >= 8);
    for (name, case) in cases {
        for (text, kind) in [("prompt", ""), ("negative", "negative_")] {
            let tokens = tokenizer.encode(case[text].as_str().unwrap(), 16).unwrap();
            assert_eq!(tokens.ids, ids(&golden, &format!("{name}.{kind}ids")), "{name} {text}");
            let mask: Vec<u32> = (0..16).map(|at| u32::from(at < tokens.length)).collect();
            assert_eq!(mask, ids(&golden, &format!("{name}.{kind}mask")), "{name} {text}");
            assert_eq!(tokens.dropped, None);
        }
    }
}

#[test]
fn what_does_not_fit_is_handed_back() {
    let tokenizer = tokenizer();
    let all = tokenizer.encode("a red apple, a green pear", 64).unwrap();
    assert_eq!(all.dropped, None);
    for room in 2..all.length {
        let cut = tokenizer.encode("a red apple, a green pear", room).unwrap();
        assert_eq!(cut.length, room);
        assert_eq!(cut.ids[..room - 1], all.ids[..room - 1], "{room}");
        assert_eq!(cut.ids[room - 1], 1, "the end of the sequence stays");
        let dropped = cut.dropped.unwrap();
        assert!(!dropped.is_empty() && "a red apple, a green pear".ends_with(&dropped), "{room}: {dropped}");
    }
    assert_eq!(tokenizer.encode("a red apple, a green pear", all.length).unwrap().dropped, None);
}

#[test]
fn odd_text_is_fine() {
    let tokenizer = tokenizer();
    assert_eq!(tokenizer.encode("", 16).unwrap().length, 1);
    for text in
        ["ﬁre ½ Å é́ \u{1F34E}\u{1F34E}\u{1F34E} \0 \u{FEFF}", "</s> <pad> <unk>", "   ", &"語".repeat(99)]
    {
        for length in 2..20 {
            let tokens = tokenizer.encode(text, length).unwrap();
            assert_eq!(tokens.ids.len(), length, "{text}");
            assert!(
                tokens.length <= length
                    && tokens.ids.iter().all(|&id| (id as usize) < tokenizer.vocabulary())
            );
        }
    }
}

#[test]
fn reads_its_config() {
    assert_eq!(tokenizer().max_length(), Some(16));
    assert_eq!(tokenizer().vocabulary(), 2866);
    let json = file("tokenizer/tokenizer.json");
    let with = |config: &str| Tokenizer::from_bytes(&json, Some(config.as_bytes()));
    let object =
        with(r#"{"pad_token": {"content": "</s>"}, "model_max_length": 1000000000000000019884624838656}"#)
            .unwrap();
    assert_eq!(object.max_length(), None);
    assert_eq!(object.encode("", 3).unwrap().ids, [1, 1, 1]);
    assert_eq!(with("{}").unwrap_err(), TokenizerError::Pad);
    assert_eq!(with(r#"{"pad_token": "[NONE]"}"#).unwrap_err(), TokenizerError::Pad);
    assert_eq!(Tokenizer::from_bytes(&json, None).unwrap_err(), TokenizerError::Pad);
    assert_eq!(with(r#"{"truncation_side": "left"}"#).unwrap_err(), TokenizerError::Left("truncation_side"));
    assert!(matches!(with("["), Err(TokenizerError::Config(_))));
    assert!(matches!(Tokenizer::from_bytes(b"{}", None), Err(TokenizerError::File(_))));
    assert_eq!(tokenizer().encode("", 1), Err(TokenizerError::Length { max_length: 1, added: 1 }));
}
