//! The source tree itself: an op has its files in every crate, files are short and say why they exist, and a few things are only where
//! they are meant to be.

use std::path::{Path, PathBuf};

use onelaunch_tests::models::in_tree;

/// Crates of the workspace.
const CRATES: [&str; 7] = ["core", "shaders", "backend-wgpu", "server", "web", "tests", "xtask"];
/// Lines of a file, most.
const LINES: usize = 400;
/// Files with `unsafe` in one crate, most.
const UNSAFE_FILES: usize = 2;
/// The only files that name several backends.
const KNOW_BACKENDS: [&str; 2] = ["server/src/any_backend.rs", "web/src/any_backend.rs"];

/// Path in the tree and text of every Rust file, build scripts included.
fn sources() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for name in CRATES {
        walk(&in_tree(name), &mut |path| {
            if path.extension().is_some_and(|e| e == "rs") {
                let inside =
                    path.strip_prefix(in_tree("")).unwrap_or(path).to_string_lossy().replace('\\', "/");
                all.push((inside, std::fs::read_to_string(path).expect("sources are text")));
            }
        });
    }
    assert!(all.len() > 100, "only {} files: this is not the source tree", all.len());
    all
}

fn walk(folder: &Path, see: &mut impl FnMut(&Path)) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("a listed folder has entries").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if path.file_name().is_some_and(|n| n != "target") {
                walk(&path, see);
            }
        } else {
            see(&path);
        }
    }
}

/// What is compiled into the product: no test file, and of other files nothing behind their test module.
fn product(path: &str, text: &str) -> Option<String> {
    let test_file = path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/examples/");
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(text);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    (!test_file).then(|| lines.collect::<Vec<_>>().join("\n"))
}

/// Stems of the ops: the modules of core's list that define a type of the enum.
fn stems() -> Vec<String> {
    let list = std::fs::read_to_string(in_tree("core/src/ops/mod.rs")).expect("core has ops");
    let variants =
        list.split("\nops!(").nth(1).and_then(|rest| rest.split(");").next()).expect("the list of ops");
    let variants = variants.split(',').map(str::trim).filter(|v| !v.is_empty());
    let snake = |name: &str| {
        let mut stem = String::new();
        for c in name.chars() {
            if c.is_uppercase() && !stem.is_empty() {
                stem.push('_');
            }
            stem.extend(c.to_lowercase());
        }
        stem
    };
    variants.map(snake).collect()
}

#[test]
fn every_op_has_its_files() {
    let stems = stems();
    assert!(stems.len() >= 20, "{stems:?}");
    let mut missing = Vec::new();
    for stem in &stems {
        let wgsl = [format!("shaders/wgsl/{stem}.wgsl"), format!("shaders/wgsl/{stem}")];
        if !wgsl.iter().any(|path| in_tree(path).exists()) {
            missing.push(wgsl[0].clone());
        }
        for folder in ["core/src/ops", "backend-wgpu/src/ops", "tests/src/ops"] {
            let path = format!("{folder}/{stem}.rs");
            if !in_tree(&path).is_file() {
                missing.push(path);
            }
        }
    }
    println!("{} ops: {stems:?}", stems.len());
    assert!(missing.is_empty(), "missing: {missing:?}");
}

#[test]
fn files_are_short_and_say_why_they_exist() {
    let all = sources();
    let long: Vec<_> = all.iter().map(|(p, t)| (p, t.lines().count())).filter(|(_, n)| *n > LINES).collect();
    let silent: Vec<_> = all.iter().filter(|(_, t)| !t.starts_with("//! ")).map(|(p, _)| p).collect();
    println!("{} files, the longest {:?} lines", all.len(), all.iter().map(|(_, t)| t.lines().count()).max());
    assert!(long.is_empty(), "longer than {LINES} lines: {long:?}");
    assert!(silent.is_empty(), "without a `//!` on top: {silent:?}");
}

#[test]
fn shaders_are_short() {
    let mut count = 0;
    walk(&in_tree("shaders/wgsl"), &mut |path| {
        let lines = std::fs::read_to_string(path).expect("sources are text").lines().count();
        assert!(lines <= LINES, "{}: {lines} lines", path.display());
        count += 1;
    });
    println!("{count} shader files");
    assert!(count >= 20, "{count} shader files are too few");
}

#[test]
fn lints_are_expected_with_a_reason_and_nothing_is_unwrapped() {
    // Put together here, so that this file does not find itself.
    let (allow, unwrap) = (["#[", "allow("].concat(), [".unwrap", "()"].concat());
    let mut checked = 0;
    for (path, text) in sources() {
        assert!(!text.contains(&allow) && !text.contains(&allow.replace('#', "#!")), "{path}: {allow}..)]");
        if let Some(code) = product(&path, &text) {
            checked += 1;
            assert!(!code.contains(&unwrap), "{path}: {unwrap} outside of tests");
        }
    }
    println!("{checked} files of the product");
    assert!(checked > 80, "{checked} files of the product are too few");
}

#[test]
fn unsafe_code_is_rare_and_explained() {
    let word = ["unsafe", " "].concat();
    let is_block = |line: &str| {
        let code = line.split("//").next().unwrap_or(line);
        code.contains(&format!("{word}{{"))
            || code.contains(&format!("{word}fn"))
            || code.contains(&format!("{word}impl"))
    };
    for name in CRATES {
        let mut files = Vec::new();
        for (path, text) in sources().into_iter().filter(|(p, _)| p.starts_with(&format!("{name}/"))) {
            let lines: Vec<&str> = text.lines().collect();
            let blocks: Vec<usize> = (0..lines.len()).filter(|&at| is_block(lines[at])).collect();
            for &at in &blocks {
                let explained = lines[at.saturating_sub(6)..=at].iter().any(|l| l.contains("// SAFETY:"));
                assert!(explained, "{path}:{}: no // SAFETY:", at + 1);
            }
            if !blocks.is_empty() {
                files.push(path);
            }
        }
        println!("{name}: {files:?}");
        assert!(files.len() <= UNSAFE_FILES, "{name}: {files:?}");
    }
}

#[test]
fn one_file_knows_all_backends() {
    let mut know = Vec::new();
    for (path, text) in sources() {
        if let Some(code) = product(&path, &text)
            && code.contains("CpuBackend")
            && code.contains("WgpuBackend")
            // A crate's list of exports names them too, and decides nothing.
            && !path.ends_with("/lib.rs")
        {
            know.push(path);
        }
    }
    assert_eq!(know, KNOW_BACKENDS);
}
