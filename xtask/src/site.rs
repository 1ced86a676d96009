//! `target/web`: the page, the package as it is published, and the model that ships; stamped with a version of their own content.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::wasm::Module;
use crate::{Result, files};

/// Stands in sources for the build's version, and in the module too, so that it is as long as what takes its place.
const TOKEN: &str = "__ONELAUNCH_VERSION__";
/// Files that may hold a token.
const STAMPED: [&str; 7] = ["js", "html", "css", "json", "webmanifest", "ts", "wasm"];
/// Folders of a model that browsers do not read.
const UNREAD: [&str; 2] = ["golden/", "train/"];
/// The most that is downloaded before a model: bytes, and bytes by gzip.
const BARS: (usize, usize) = (3 << 20, 1 << 20);

type Files = BTreeMap<String, Vec<u8>>;

/// Collects, stamps, writes, and says how large it is.
pub(crate) fn assemble(root: &Path, module: Module) -> Result<()> {
    let mut all = Files::new();
    take(&mut all, &root.join("web/demo"), "", |_| true)?;
    package(&mut all, &root.join("web/js"), module)?;
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        all.insert(format!("pkg/{name}"), files::read(&root.join(name))?);
    }
    let unread = |path: &str| !UNREAD.iter().any(|folder| path.starts_with(folder));
    take(&mut all, &root.join("models/emoji-mini"), "models/emoji-mini/", unread)?;
    let version = version(&all);
    stamp(&mut all, &version)?;
    let sizes = sizes(&all)?;
    let hashes: BTreeMap<_, _> = all.iter().map(|(path, bytes)| (path, files::sha256(bytes))).collect();
    let build = json!({ "version": version, "files": hashes, "sizes": sizes });
    all.insert("build.json".into(), serde_json::to_vec_pretty(&build)?);
    // Beside it first: whoever is being served sees the old build or the new one.
    let (next, to) = (root.join("target/web.next"), root.join("target/web"));
    files::fresh(&next)?;
    for (path, bytes) in &all {
        files::write(&next.join(path), bytes)?;
    }
    if to.exists() {
        std::fs::remove_dir_all(&to).map_err(|why| format!("{}: {why}", to.display()))?;
    }
    std::fs::rename(&next, &to)?;
    println!("{} ({} files, version {version})", to.display(), all.len());
    Ok(())
}

/// Files below a folder, under a prefix.
fn take(all: &mut Files, from: &Path, prefix: &str, wanted: impl Fn(&str) -> bool) -> Result<()> {
    for path in files::below(from)?.into_iter().filter(|path| wanted(path)) {
        all.insert(format!("{prefix}{path}"), files::read(&from.join(&path))?);
    }
    Ok(())
}

/// The package: what its manifest says is published. A star stands for any name.
fn package(all: &mut Files, from: &Path, module: Module) -> Result<()> {
    let made: Files = module.files().into_iter().collect();
    let manifest: Value = serde_json::from_slice(&files::read(&from.join("package.json"))?)?;
    let published = manifest["files"].as_array().ok_or("web/js/package.json: `files` is not a list")?;
    let sources = files::below(from)?;
    for pattern in published.iter().filter_map(Value::as_str).chain(["package.json"]) {
        let fits = |path: &str| match pattern.split_once('*') {
            None => path == pattern,
            Some((start, end)) => path.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).is_some(),
        };
        let mut found = false;
        for (path, bytes) in made.iter().filter(|(path, _)| fits(path)) {
            all.insert(format!("pkg/{path}"), bytes.clone());
            found = true;
        }
        for path in sources.iter().filter(|path| fits(path)) {
            all.insert(format!("pkg/{path}"), files::read(&from.join(path))?);
            found = true;
        }
        if !found {
            return Err(format!("web/js/package.json publishes {pattern}, which is not there").into());
        }
    }
    Ok(())
}

/// A hash of everything, as long as the token.
fn version(all: &Files) -> String {
    let lines: Vec<_> = all.iter().map(|(path, bytes)| format!("{path} {}", files::sha256(bytes))).collect();
    let mut hash = files::sha256(lines.join("\n").as_bytes());
    hash.truncate(TOKEN.len());
    hash
}

/// Writes the version to where it is asked for.
fn stamp(all: &mut Files, version: &str) -> Result<()> {
    for (path, bytes) in all.iter_mut() {
        let ending = path.rsplit('.').next().unwrap_or_default();
        if !STAMPED.contains(&ending) || path.starts_with("models/") {
            continue;
        }
        let times = replace(bytes, TOKEN, version);
        // A module that has it twice, or in pieces, would tell another version than it is of.
        if ending == "wasm" && times != 1 {
            return Err(format!("{path} holds the version's token {times} times, not once").into());
        }
    }
    Ok(())
}

/// Puts `new` in the place of `old`, and says how often.
fn replace(bytes: &mut Vec<u8>, old: &str, new: &str) -> usize {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut times) = (&bytes[..], 0);
    while let Some(at) = rest.windows(old.len()).position(|window| window == old.as_bytes()) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new.as_bytes());
        rest = &rest[at + old.len()..];
        times += 1;
    }
    if times > 0 {
        out.extend_from_slice(rest);
        *bytes = out;
    }
    times
}

/// Sizes of what is downloaded first, printed too.
fn sizes(all: &Files) -> Result<Value> {
    let mut sizes = serde_json::Map::new();
    let is_code = |path: &str| path.starts_with("pkg/") && (path.ends_with(".js") || path.ends_with(".wasm"));
    let script: usize =
        all.iter().filter(|(path, _)| is_code(path) && path.ends_with(".js")).map(|(_, b)| b.len()).sum();
    for (path, bytes) in all.iter().filter(|(path, _)| is_code(path) && path.ends_with(".wasm")) {
        let packed = gzip(bytes)?;
        println!("{path}: {} bytes, {packed} by gzip -9", bytes.len());
        if bytes.len() > BARS.0 || packed > BARS.1 {
            eprintln!("warning: {path} is larger than {} bytes, or {} by gzip", BARS.0, BARS.1);
        }
        sizes.insert(path.clone(), json!({ "raw": bytes.len(), "gzip": packed }));
    }
    println!("pkg/*.js: {script} bytes");
    sizes.insert("pkg/*.js".into(), json!({ "raw": script }));
    Ok(sizes.into())
}

fn gzip(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced_and_counted() {
        let mut bytes = b"a TOKEN b TOKEN".to_vec();
        assert_eq!(replace(&mut bytes, "TOKEN", "x"), 2);
        assert_eq!(bytes, b"a x b x");
        assert_eq!(replace(&mut bytes, "TOKEN", "x"), 0);
    }

    #[test]
    fn a_version_is_as_long_as_its_token() {
        let one = Files::from([("a".into(), vec![1])]);
        let other = Files::from([("a".into(), vec![2])]);
        assert_eq!(version(&one).len(), TOKEN.len());
        assert_ne!(version(&one), version(&other));
    }
}
