//! The `permutations` file: one kernel per line, `stem axis=value|value …`, every combination of values being a permutation.
//! A value `v` of axis `a` substitutes `$a` and defines `A_V` (upper case); its name is the stem with `.v` for each axis.

use std::collections::BTreeMap;

/// One kernel to make.
pub struct Permutation {
    /// Stem and values.
    pub name: String,
    /// File under `wgsl/`.
    pub file: String,
    /// Names that `#ifdef` asks for and `$name` substitutes.
    pub defines: BTreeMap<String, String>,
}

/// All permutations of a list.
pub fn parse(text: &str) -> Result<Vec<Permutation>, String> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        let mut words = line.split_whitespace();
        let Some(stem) = words.next() else { continue };
        let mut made =
            vec![Permutation { name: stem.into(), file: format!("{stem}.wgsl"), defines: BTreeMap::new() }];
        for word in words {
            let (axis, values) = word
                .split_once('=')
                .ok_or_else(|| format!("line {}: `{word}` is not axis=value|value", at + 1))?;
            made = made.iter().flat_map(|p| values.split('|').map(|v| with(p, axis, v))).collect();
        }
        all.extend(made);
    }
    Ok(all)
}

fn with(permutation: &Permutation, axis: &str, value: &str) -> Permutation {
    let mut defines = permutation.defines.clone();
    defines.insert(axis.into(), value.into());
    defines.insert(format!("{axis}_{value}").to_uppercase(), String::new());
    Permutation { name: format!("{}.{value}", permutation.name), file: permutation.file.clone(), defines }
}
