//! The binary as people and scripts use it: what it writes, what it prints, how it ends.

#![cfg(feature = "cli")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// Small enough for an unoptimised build.
const QUICK: [&str; 6] = ["--steps", "2", "--width", "64", "--height", "64"];

fn onelaunch(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onelaunch"));
    command.current_dir(folder).args(args).env_remove("ONELAUNCH_MODEL").stdin(Stdio::null());
    command
}

fn output(folder: &Path, args: &[&str]) -> Output {
    onelaunch(folder, args).output().expect("the binary starts")
}

/// `generate` on the CPU with few steps; must succeed. Returns stdout.
fn generate(folder: &Path, args: &[&str]) -> String {
    let all: Vec<_> = ["generate", "--backend", "cpu"].iter().chain(&QUICK).chain(args).copied().collect();
    done(&output(folder, &all))
}

fn done(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout.clone()).expect("stdout is text")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<_> =
        entries.map(|e| e.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/emoji-mini")
}

/// A copy of the shipped model that a test may damage.
fn model() -> TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("the model is there") {
            let entry = entry.expect("an entry");
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), target).expect("a copy");
            }
        }
    }
    let folder = tempdir().expect("a folder");
    for part in ["scheduler", "text_encoder", "tokenizer", "transformer", "vae"] {
        copy(&shipped().join(part), &folder.path().join(part));
    }
    fs::copy(shipped().join("model_index.json"), folder.path().join("model_index.json")).expect("a copy");
    folder
}

#[test]
fn the_same_command_writes_the_same_bytes() {
    let folder = tempdir().expect("a folder");
    let first = generate(folder.path(), &["a red apple", "--seed", "7"]);
    let second = generate(folder.path(), &["a red apple", "--seed", "7", "--whole"]);
    assert_eq!((first.as_str(), second.as_str()), ("a-red-apple-0001.png\n", "a-red-apple-0002.png\n"));
    let read = |name: &str| fs::read(folder.path().join(name.trim())).expect("the file it named");
    assert_eq!(read(&first), read(&second), "in chunks and whole");
    let other = generate(folder.path(), &["a red apple", "--seed", "8"]);
    assert_ne!(read(&first), read(&other), "another seed is another picture");

    // A picture makes itself again, and flags win over what it says.
    let again = generate(folder.path(), &["--from", first.trim()]);
    assert_eq!(read(&first), read(&again));
    let changed = generate(folder.path(), &["--from", first.trim(), "--seed", "8"]);
    assert_eq!(read(&other), read(&changed));
}

#[test]
fn json_says_what_was_made() {
    let folder = tempdir().expect("a folder");
    let args = ["🍎\nzwei", "--count", "2", "--json", "--out", "a.png", "--negative", "blurry"];
    let made: Value = serde_json::from_str(&generate(folder.path(), &args)).expect("one JSON object");
    assert_eq!(names(folder.path()), ["a-1.png", "a-2.png"]);
    let pictures = made["pictures"].as_array().expect("a list");
    let seed = pictures[0]["seed"].as_u64().expect("the random seed");
    assert_eq!(pictures[1]["seed"], seed + 1);
    assert_eq!(pictures[1]["recipe"]["prompt"], "🍎\nzwei");
    assert_eq!(made["launches"], 1);
    assert!(made["timings"]["image_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert!(made["device"].as_str().is_some_and(|d| d.contains("cpu")));
    let bytes = fs::read(folder.path().join("a-2.png")).expect("the second picture");
    let recipe = onelaunch::picture::read_recipe(std::io::Cursor::new(bytes)).expect("its recipe");
    assert_eq!((recipe.seed, recipe.negative.as_str()), (seed + 1, "blurry"));
    let args = ["x", "--json", "--whole", "--seed", "1", "--out", "whole.png"];
    let whole: Value = serde_json::from_str(&generate(folder.path(), &args)).expect("one JSON object");
    assert_eq!(
        (&whole["submits"], &whole["readbacks"]),
        (&1.into(), &1.into()),
        "whole is one submit and one readback"
    );
}

/// The promise of one launch, for the command line on a GPU's API.
#[test]
fn on_wgpu_an_image_is_one_submit_and_one_readback() {
    let folder = tempdir().expect("a folder");
    let adapter = std::env::var("ONELAUNCH_TEST_ADAPTER").unwrap_or_else(|_| "llvmpipe".into());
    let all = done(&output(folder.path(), &["devices"])).to_lowercase();
    if !all.contains(&adapter.to_lowercase()) {
        let fatal = std::env::var("ONELAUNCH_SKIPS").is_ok_and(|v| v == "fail");
        assert!(!fatal, "no adapter is called {adapter}, and skips are failures here");
        // Not `eprintln!`, which a test that passes keeps to itself.
        writeln!(std::io::stderr(), "SKIPPED wgpu: no adapter is called {adapter}").expect("stderr is open");
        return;
    }
    let run = |out: &str| {
        let fixed = [
            "generate",
            "a red apple",
            "--seed",
            "7",
            "--whole",
            "--json",
            "--out",
            out,
            "--adapter",
            &adapter,
        ];
        let text = done(&output(folder.path(), &[&fixed[..], &QUICK].concat()));
        serde_json::from_str::<Value>(&text).expect("one JSON object")
    };
    let made = run("a.png");
    assert!(made["device"].as_str().is_some_and(|d| d.starts_with("wgpu")), "{made}");
    assert_eq!((&made["submits"], &made["readbacks"]), (&1.into(), &1.into()), "{made}");
    run("b.png");
    let read = |name: &str| fs::read(folder.path().join(name)).expect("the picture");
    assert!(read("a.png") == read("b.png"), "the same command writes the same bytes");
}

#[test]
fn bad_input_is_said_before_anything_is_written() {
    let folder = tempdir().expect("a folder");
    fs::write(folder.path().join("mine.png"), "mine").expect("a file");
    let cases: &[(&[&str], &str)] = &[
        (&["x", "--steps", "0"], "0 steps"),
        (&["x", "--steps", "10000"], "10000 steps"),
        (&["x", "--steps", "-1"], "-1"),
        (&["x", "--guidance", "nan"], "finite"),
        (&["x", "--guidance", "-inf"], "finite"),
        (&["x", "--guidance-interval", "0.9..0.1"], "interval"),
        (&["x", "--guidance-interval", "half"], "0..0.5"),
        (&["x", "--sampler", "magic"], "dpmpp_2m"),
        (&["x", "--sigmas", "magic"], "karras"),
        (&["x", "--spacing", "magic"], "trailing"),
        (&["x", "--noise", "magic"], "torch-cpu"),
        (&["x", "--eta", "2", "--sampler", "ddim"], "eta"),
        (&["x", "--backend", "magic"], "auto, wgpu, cpu"),
        (&["x", "--adapter", "no such card"], "no such card"),
        (&["x", "--precision", "f64"], "f16"),
        (&["x", "--precision", "f16"], "--precision f32"),
        (&["x", "--count", "0"], "count"),
        (&["x", "--width", "100"], "nearest: 96×128"),
        (&["x", "--height", "0"], "nearest"),
        (&["x", "--out", "gone/a.png"], "make it first"),
        (&["x", "--out", "mine.png"], "--overwrite"),
        (&["x", "--out", "a.gif"], ".png"),
        #[cfg(target_os = "linux")]
        (&["x", "--out", "/proc/a.png"], "cannot be written to"),
        (
            &["x", "--model", "PixArt-alpha/PixArt-XL-2-512x512"],
            "hf download PixArt-alpha/PixArt-XL-2-512x512",
        ),
        (&["x", "--model", "gone"], "no such folder"),
        (&["--from", "gone.png"], "gone.png"),
        (&["--from", "mine.png"], "PNG"),
        (&["x", "--no-such-flag"], "--no-such-flag"),
        (&[], "PROMPT"),
    ];
    for (args, says) in cases {
        let backend: &[&str] = if args.contains(&"--backend") { &[] } else { &["--backend", "cpu"] };
        let made = output(folder.path(), &[&["generate"], *args, backend].concat());
        let errors = String::from_utf8_lossy(&made.stderr);
        assert_eq!(made.status.code(), Some(2), "{args:?}: {errors}");
        assert!(errors.contains(says), "{args:?} does not say {says:?}: {errors}");
        assert!(made.stdout.is_empty(), "{args:?}");
        assert!(!errors.contains("weights "), "{args:?}: weights were loaded first: {errors}");
    }
    assert_eq!(names(folder.path()), ["mine.png"]);
    assert_eq!(fs::read(folder.path().join("mine.png")).expect("the file"), b"mine");
    generate(folder.path(), &["x", "--out", "mine.png", "--overwrite"]);
    assert!(fs::read(folder.path().join("mine.png")).expect("the file").starts_with(b"\x89PNG"));
    assert_eq!(names(folder.path()), ["mine.png"]);
}

#[test]
fn broken_models_are_said_before_anything_is_written() {
    let (folder, model) = (tempdir().expect("a folder"), model());
    let path = model.path().to_str().expect("text").to_owned();
    let fails = |says: &str| {
        let made = output(folder.path(), &["generate", "x", "--backend", "cpu", "--model", &path]);
        let errors = String::from_utf8_lossy(&made.stderr);
        assert_eq!(made.status.code(), Some(2), "{errors}");
        assert!(errors.contains(says), "not {says:?}: {errors}");
    };
    let file = model.path().join("transformer/diffusion_pytorch_model.safetensors");
    let good = fs::read(&file).expect("weights");
    fs::write(&file, &good[..good.len() - 1000]).expect("a shorter file");
    fails("1000 bytes short");
    fs::write(&file, [&u64::MAX.to_le_bytes(), &good[8..]].concat()).expect("a file with a wild header");
    fails("header");
    fs::write(&file, &good).expect("the file as it was");
    let index = model.path().join("model_index.json");
    let text = fs::read_to_string(&index).expect("the index");
    fs::write(&index, text.replace("PixArtTransformer2DModel", "MagicModel")).expect("another class");
    fails("PixArtTransformer2DModel");
    fs::remove_file(&index).expect("gone");
    fails("model_index.json");
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_and_ends_with_130() {
    let folder = tempdir().expect("a folder");
    let args = ["generate", "x", "--backend", "cpu", "--steps", "250", "--out", "a.png"];
    let mut child =
        onelaunch(folder.path(), &args).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut lines =
        BufReader::new(child.stderr.take().expect("it was piped")).lines().map(|l| l.expect("text"));
    assert!(lines.any(|line| line.starts_with("steps ")), "it got as far as the first step");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let asked = std::time::Instant::now();
    let rest: Vec<_> = lines.collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{rest:?}");
    assert!(asked.elapsed().as_secs_f64() < 10.0, "it took {:?}", asked.elapsed());
    assert!(rest.iter().any(|line| line.contains("cancelled")), "{rest:?}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_was_dropped_from_a_prompt_is_shown() {
    let folder = tempdir().expect("a folder");
    let prompt = "an apple and a pear on a table ".repeat(20) + "zebra";
    let args = ["generate", prompt.as_str(), "--backend", "cpu", "--out", "a.png"];
    let made = output(folder.path(), &[&args[..], &QUICK].concat());
    done(&made);
    let errors = String::from_utf8_lossy(&made.stderr);
    assert!(errors.contains("warning") && errors.contains("zebra"), "{errors}");
    assert!(errors.contains("seed: ") && errors.contains("device: "), "{errors}");
    generate(folder.path(), &["", "--out", "empty.png"]);
}

#[test]
fn inspect_shows_what_left_the_step() {
    let folder = tempdir().expect("a folder");
    let plan: Value =
        serde_json::from_str(&done(&output(folder.path(), &["inspect", "--backend", "cpu", "--json"])))
            .expect("JSON");
    assert!(names(folder.path()).is_empty());
    let bytes = plan["bytes"].as_object().expect("classes");
    let sum: u64 = bytes.values().map(|b| b.as_u64().expect("bytes")).sum();
    assert_eq!(plan["total_bytes"], sum);
    assert!(
        plan["bytes"]["weights"].as_u64() > Some(10_000_000) && plan["bytes"]["tables"].as_u64() > Some(0)
    );
    let parts = plan["parts"].as_array().expect("parts");
    let part =
        |name: &str| parts.iter().find(|p| p["name"] == name).unwrap_or_else(|| panic!("no part {name}"));
    for name in ["prompt (P = 2)", "schedule", "finish", "step (plain)"] {
        assert!(part(name)["flops"].as_u64() > Some(0), "{name}");
    }
    for site in part("step (guided)")["sites"].as_array().expect("sites") {
        let node = site["node"].as_str().expect("a label");
        let hoisted = ["encoder.", "attn2.to_k", "attn2.to_v", "adaln_single", "caption_projection"];
        assert!(!hoisted.iter().any(|h| node.contains(h)), "{node} is in the step");
    }
    let text = done(&output(folder.path(), &["inspect", "--backend", "cpu"]));
    for says in
        ["largest live set", "one value per slab", "norm + modulate", "since other nodes read it", "GFLOP"]
    {
        assert!(text.contains(says), "{says}: {text}");
    }
}

#[test]
fn devices_lists_the_cpu() {
    let folder = tempdir().expect("a folder");
    let text = done(&output(folder.path(), &["devices"]));
    assert!(text.contains("cpu: reference") && text.contains("vector units"), "{text}");
    let all: Value =
        serde_json::from_str(&done(&output(folder.path(), &["devices", "--json"]))).expect("JSON");
    assert_eq!(all.as_array().expect("a list").last().expect("one at least")["backend"], "cpu");
}

#[test]
fn bench_counts_what_guidance_costs_and_compares() {
    let folder = tempdir().expect("a folder");
    let bench = |args: &[&str]| {
        let fixed =
            ["bench", "--backend", "cpu", "--runs", "2", "--batch", "2", "--no-process", "--quiet", "--json"];
        let size = ["--steps", "4", "--width", "64", "--height", "64"];
        output(folder.path(), &[&fixed[..], &size, args].concat())
    };
    let full = done(&bench(&[]));
    let run: Value = serde_json::from_str(&full).expect("JSON");
    for key in ["total_ms", "replay_ms", "step_ms", "decode_ms"] {
        assert!(run[key].as_f64().is_some_and(|ms| ms > 0.0), "{key}: {run}");
    }
    assert_eq!((&run["counters"]["submits"], &run["counters"]["readbacks"]), (&1.into(), &1.into()));
    assert!(run["bill"]["over_one"].as_f64().is_some_and(|r| r > 0.5));
    fs::write(folder.path().join("full.json"), &full).expect("a file");
    // Half of the interval is half of what the negative prompt costs, counted.
    let half: Value = serde_json::from_str(&done(&bench(&["--guidance-interval", "0..0.5"]))).expect("JSON");
    let uncond = |run: &Value| run["flops"]["uncond"].as_u64().expect("FLOPs");
    assert!(uncond(&run) > 0);
    assert_eq!(uncond(&half) * 2, uncond(&run));
    let compared: Value = serde_json::from_str(&done(&bench(&["--baseline", "full.json"]))).expect("JSON");
    assert!(compared["compared"].as_array().is_some_and(|c| c.iter().any(|c| c["name"] == "total_ms")));
    let other = bench(&["--baseline", "full.json", "--sampler", "ddim"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&other.stderr).contains("sampler"));
}
