//! One image as a session sees it: its inputs, its dispatch list, and how the list is cut into submits.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::caps::{Caps, Cut};
use crate::program::{PartKind, Program, Sources};

/// Token ids and lengths of one text encoder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prompt {
    /// `[P, T]` ids, padded.
    pub ids: Vec<u32>,
    /// `[P]` real tokens.
    pub lengths: Vec<u32>,
}

/// Inputs of one launch.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Prompts of each text encoder.
    pub prompts: Vec<Prompt>,
    /// P: 2 if any row is guided, else 1.
    pub prompt_rows: usize,
    /// Timesteps of the first S of R rows.
    pub timesteps: Vec<f32>,
    /// The sampler's rows, `[S, ROW_LEN]`.
    pub rows: Vec<f32>,
    /// Whether each row is guided.
    pub guided: Vec<bool>,
    /// Initial latent, `[n, H, W, C]`, scaled by the schedule's initial sigma.
    pub latents: Vec<f32>,
    /// Step noise, `[draws, n, H, W, C]`.
    pub noise: Vec<f32>,
    /// Generation of the weights: parts of older weights are computed again.
    pub generation: u64,
}

/// What a part's content was computed from.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    prompts: Option<Vec<Prompt>>,
    timesteps: Option<Vec<u32>>,
    generation: u64,
}

impl Key {
    /// The key of a part with these sources for this image.
    pub fn new(sources: Sources, image: &Image) -> Self {
        Self {
            prompts: sources.contains(Sources::PROMPT).then(|| image.prompts.clone()),
            // By bits, so that NaN equals itself.
            timesteps: sources
                .contains(Sources::SCHEDULE)
                .then(|| image.timesteps.iter().map(|t| t.to_bits()).collect()),
            generation: image.generation,
        }
    }
}

/// Keys of what a session's memory holds, by class: both prompt variants of a class share memory.
#[derive(Clone, Debug, Default)]
pub struct Tags(BTreeMap<Sources, Key>);

impl Tags {
    /// To be called for every dispatch when it is submitted: a part's tag is cleared with its first and set with its last.
    pub fn submitted(&mut self, program: &Program, work: &Work, position: usize, image: &Image) {
        let (part, node) = work.locate(position);
        let PartKind::Hoisted { sources, .. } = program.parts[part].kind else { return };
        if node == 0 {
            self.0.remove(&sources);
        }
        if node + 1 == program.parts[part].nodes.len() {
            self.0.insert(sources, Key::new(sources, image));
        }
    }
    /// Forgets everything, as after a failure.
    pub fn clear(&mut self) {
        self.0.clear();
    }
    fn holds(&self, sources: Sources, image: &Image) -> bool {
        self.0.get(&sources).is_some_and(|k| *k == Key::new(sources, image))
    }
}

/// The dispatch list of an image: parts end to end, nodes in them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// Part and the position of its first node.
    pub items: Vec<(usize, usize)>,
    /// Nodes in all.
    pub len: usize,
    /// Cost of everything before each position, and of all.
    pub cost: Vec<u64>,
    /// Position behind each row of the sampler, for progress.
    pub row_ends: Vec<usize>,
}

/// What a dispatch costs besides its FLOPs, in FLOPs: about the work a small GPU does in the microseconds a launch takes.
const DISPATCH_COST: u64 = 200_000;

impl Work {
    /// The parts whose key changed, the rows, `finish`.
    pub fn new(program: &Program, tags: &Tags, image: &Image) -> Self {
        let mut work = Self::default();
        for (at, part) in program.parts.iter().enumerate() {
            if let PartKind::Hoisted { sources, prompts } = part.kind
                && (prompts == 0 || prompts == image.prompt_rows)
                && !tags.holds(sources, image)
            {
                work.push(program, at);
            }
        }
        for &guided in &image.guided {
            if let Some(at) = program.part(PartKind::Step { guided }) {
                work.push(program, at);
                work.row_ends.push(work.len);
            }
        }
        if let Some(at) = program.part(PartKind::Finish) {
            work.push(program, at);
        }
        let mut total = 0;
        for at in 0..work.len {
            let (part, node) = work.locate(at);
            work.cost.push(total);
            total += program.flops(&program.parts[part].nodes[node]) + DISPATCH_COST;
        }
        work.cost.push(total);
        work
    }

    fn push(&mut self, program: &Program, part: usize) {
        self.items.push((part, self.len));
        self.len += program.parts[part].nodes.len();
    }

    /// Part and node at a position.
    pub fn locate(&self, position: usize) -> (usize, usize) {
        let item = self.items.partition_point(|&(_, first)| first <= position) - 1;
        let (part, first) = self.items[item];
        (part, position - first)
    }

    /// Rows of the sampler that are complete at a position.
    pub fn rows_done(&self, position: usize) -> usize {
        self.row_ends.partition_point(|&end| end <= position)
    }
}

/// A run of the dispatch list, submitted at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Positions.
    pub range: Range<usize>,
    /// Followed by a preview of what is denoised so far.
    pub preview: bool,
}

/// How an image is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CutPolicy {
    /// The caller wants one launch.
    pub whole: bool,
    /// Somebody waits for progress or previews.
    pub watched: bool,
    /// Somebody wants to see what is denoised so far.
    pub previews: bool,
    /// Measured cost per second, if an image was measured.
    pub rate: Option<f64>,
}

/// Seconds a chunk should take: short enough for progress, cancel and watchdogs, long enough to hide the cost of a submit.
const CHUNK_SECONDS: f64 = 0.1;
/// Cost per second while none was measured: a slow software device, so that a first chunk is never long.
const UNKNOWN_RATE: f64 = 2e9;

/// The chunk that starts at `from`. The one place where images are cut, for every host.
pub fn cut(work: &Work, from: usize, caps: &Caps, policy: CutPolicy) -> Chunk {
    let total = work.cost[work.len] as f64;
    let short = policy.rate.is_some_and(|rate| total / rate < 1.0);
    if policy.whole || caps.cut == Cut::Never || (!policy.watched && short) {
        return Chunk { range: from..work.len, preview: false };
    }
    let budget = (policy.rate.unwrap_or(UNKNOWN_RATE) * CHUNK_SECONDS) as u64;
    let stop = work.cost[from] + budget;
    // The longest run within the budget, and one dispatch at least.
    let end = work.cost.partition_point(|&c| c <= stop).saturating_sub(1).clamp(from + 1, work.len);
    let preview = policy.previews && work.rows_done(end) > work.rows_done(from) && end < work.len;
    Chunk { range: from..end, preview }
}

/// Finished pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// RGBA8 of each picture, rows from the top.
    pub images: Vec<Vec<u8>>,
    /// Whether each picture is free of NaN and infinity.
    pub finite: Vec<bool>,
}

impl Pixels {
    /// Unpacks the pixels slot: alpha 0 marks what was not finite, and is made opaque.
    pub fn unpack(words: &[u32], n: usize, height: usize, width: usize) -> Self {
        let mut pixels = Self { width, height, images: Vec::new(), finite: Vec::new() };
        for words in words.chunks_exact(height * width).take(n) {
            pixels.finite.push(words.iter().all(|w| w >> 24 == 255));
            pixels.images.push(words.iter().flat_map(|w| (w | 0xff00_0000).to_le_bytes()).collect());
        }
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(nodes: usize) -> Work {
        let cost = (0..=nodes as u64).map(|i| i * 1_000_000).collect();
        Work { items: vec![(0, 0)], len: nodes, cost, row_ends: vec![nodes / 2] }
    }

    fn chunks(work: &Work, caps: &Caps, policy: CutPolicy) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        let mut from = 0;
        while from < work.len {
            let chunk = cut(work, from, caps, policy);
            from = chunk.range.end;
            all.push(chunk.range);
        }
        all
    }

    #[test]
    fn images_are_whole_where_nobody_waits_or_the_caller_says_so() {
        let (work, caps) = (work(1000), Caps::reference());
        let policy = |whole, watched, rate| CutPolicy { whole, watched, previews: false, rate };
        assert_eq!(chunks(&work, &caps, policy(true, true, None)).len(), 1);
        assert_eq!(chunks(&work, &caps, policy(false, false, Some(2e9))).len(), 1);
        let never = Caps { cut: Cut::Never, ..caps.clone() };
        assert_eq!(chunks(&work, &never, policy(false, true, None)).len(), 1);
    }

    #[test]
    fn chunks_take_about_a_tenth_of_a_second() {
        let (work, caps) = (work(1000), Caps::reference());
        // 10⁹ in all; at 10⁹ per second a tenth of a second is 100 of 1000 dispatches.
        let policy = CutPolicy { whole: false, watched: true, previews: false, rate: Some(1e9) };
        let all = chunks(&work, &caps, policy);
        assert_eq!(all.len(), 10, "{all:?}");
        assert!(all.iter().all(|c| c.len() == 100), "{all:?}");
        // However slow the device: a dispatch at a time, never none.
        let slow = chunks(&work, &caps, CutPolicy { rate: Some(1.0), ..policy });
        assert_eq!(slow.len(), 1000);
        // A first image is cut too, whoever watches.
        assert!(chunks(&work, &caps, CutPolicy { watched: false, rate: None, ..policy }).len() > 1);
    }
}
