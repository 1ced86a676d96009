//! What is written into a picture comes back out of it.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn recipe(prompt: &str, negative: &str) -> Recipe {
    Recipe {
        prompt: prompt.into(),
        negative: negative.into(),
        steps: 20,
        guidance: 3.5,
        guidance_interval: (0.0, 0.5),
        sampler: "dpmpp_2m".into(),
        eta: 0.0,
        sigmas: "karras".into(),
        spacing: Some("trailing".into()),
        seed: u64::MAX,
        noise: "philox".into(),
        width: 2,
        height: 3,
        precision: "f32".into(),
        model: "some, model".into(),
    }
}

fn written(recipe: &Recipe) -> Vec<u8> {
    let pixels: Vec<u8> = (0..24).map(|i| if i % 4 == 3 { 255 } else { i * 10 }).collect();
    encode(2, 3, &pixels, recipe).expect("a picture of the right size")
}

fn info(bytes: &[u8]) -> png::Info<'static> {
    png::Decoder::new(Cursor::new(bytes.to_vec())).read_info().expect("a PNG").info().clone()
}

#[test]
fn a_recipe_survives() {
    for prompt in
        ["a red apple", "", "ein grüner Apfel", "two\nlines, \"quoted\": yes", "🍎 on a table", "日本語\n🍏"]
    {
        let recipe = recipe(prompt, "blurry 🙈");
        let bytes = written(&recipe);
        assert_eq!(read_recipe(Cursor::new(&bytes)).expect("our own recipe"), recipe);
        assert_eq!(bytes, written(&recipe), "the same picture twice");
    }
}

#[test]
fn parameters_are_latin_1_where_they_can_be() {
    let latin = info(&written(&recipe("ein grüner Apfel", "")));
    assert_eq!(latin.uncompressed_latin1_text[0].keyword, "parameters");
    assert!(
        latin.uncompressed_latin1_text[0]
            .text
            .starts_with("ein grüner Apfel\nSteps: 20, Sampler: DPM++ 2M, ")
    );
    let other = info(&written(&recipe("🍎", "b")));
    assert!(other.uncompressed_latin1_text.is_empty());
    let text = other.utf8_text.iter().find(|t| t.keyword == "parameters").expect("the text chunk");
    let text = text.get_text().expect("UTF-8");
    assert!(text.starts_with("🍎\nNegative prompt: b\nSteps: 20, "), "{text}");
    assert!(text.contains("Model: \"some, model\""), "{text}");
}

#[test]
fn pixels_survive() {
    let bytes = written(&recipe("x", ""));
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
    reader.next_frame(&mut pixels).expect("pixels");
    let expected: Vec<u8> = (0..24).filter(|i| i % 4 != 3).map(|i| i * 10).collect();
    assert_eq!(pixels, expected);
}

#[test]
fn what_is_no_recipe_says_so() {
    let mut plain = Vec::new();
    let mut encoder = png::Encoder::new(&mut plain, 1, 1);
    encoder.add_text_chunk("parameters".into(), "an apple\nSteps: 3".into()).expect("text");
    encoder.write_header().expect("a header").write_image_data(&[7]).expect("a pixel");
    let error = read_recipe(Cursor::new(plain)).expect_err("no recipe");
    assert!(error.to_string().contains("no recipe of onelaunch, only the `parameters`"), "{error}");
    let error = read_recipe(Cursor::new(b"not a png".to_vec())).expect_err("no PNG");
    assert!(matches!(error, PictureError::Decode(_)), "{error}");
    assert!(matches!(encode(3, 3, &[0; 4], &recipe("x", "")), Err(PictureError::Size { .. })));
}

proptest! {
    #[test]
    fn any_text_survives(prompt in any::<String>(), negative in any::<String>(), seed in any::<u64>()) {
        let recipe = Recipe { seed, ..recipe(&prompt, &negative) };
        prop_assert_eq!(read_recipe(Cursor::new(written(&recipe))).expect("our own recipe"), recipe);
    }
}
