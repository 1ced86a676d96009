//! Kernels share most of their lines, so the text of all of them is kept once, and each is a list of its ranges: a twelfth of the bytes,
//! which counts where a page downloads them.

use std::collections::BTreeMap;

/// The text that all kernels are cut from.
#[derive(Default)]
pub struct Pieces {
    /// All lines, each once.
    pub text: String,
    /// Where each line begins.
    lines: BTreeMap<String, usize>,
}

impl Pieces {
    /// First byte and one past the last of each piece of `source`, in order.
    pub fn cut(&mut self, source: &str) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for line in source.split_inclusive('\n') {
            let text = &mut self.text;
            let start = *self.lines.entry(line.to_owned()).or_insert_with(|| {
                text.push_str(line);
                text.len() - line.len()
            });
            match ranges.last_mut() {
                Some(last) if last.1 == start => last.1 += line.len(),
                _ => ranges.push((start, start + line.len())),
            }
        }
        ranges
    }
}

/// WGSL without its comments and what they leave empty. There are no texts in WGSL that could hold two slashes.
pub fn bare(source: &str) -> String {
    let code = source.lines().map(|line| line.split("//").next().unwrap_or(line).trim_end());
    code.filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}
