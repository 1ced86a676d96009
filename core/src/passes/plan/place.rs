//! Placing lifetimes: slabs and arena, both greedy by size (Pisarchyk & Lee, arXiv 2001.03288), and the bounds they are held against.

use super::Lifetime;

/// Slabs for lifetimes.
#[derive(Clone, Debug, Default)]
pub struct Slabs {
    /// Slab of each lifetime, in the order given.
    pub slab_of: Vec<usize>,
    /// Bytes of each slab.
    pub sizes: Vec<u64>,
}

/// Offsets for lifetimes in one block.
#[derive(Clone, Debug, Default)]
pub struct Arena {
    /// Offset of each lifetime, in the order given.
    pub offsets: Vec<u64>,
    /// Bytes of the block.
    pub bytes: u64,
}

fn by_size(lives: &[Lifetime]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(lives[i].bytes), lives[i].start, i));
    order
}

/// Largest first, each into a slab where nothing lives at its time. Among those the fullest fits best: the one whose free time around the
/// lifetime is shortest.
pub fn slabs(lives: &[Lifetime]) -> Slabs {
    let mut made = Slabs { slab_of: vec![0; lives.len()], sizes: Vec::new() };
    let mut content: Vec<Vec<usize>> = Vec::new();
    for i in by_size(lives) {
        let gap = |slab: &Vec<usize>| {
            let before = slab.iter().map(|&j| lives[j].end).filter(|&e| e <= lives[i].start).max();
            let after = slab.iter().map(|&j| lives[j].start).filter(|&s| s >= lives[i].end).min();
            lives[i].start.saturating_sub(before.unwrap_or(0)) + after.map_or(1 << 20, |a| a - lives[i].end)
        };
        let free = |slab: &&usize| content[**slab].iter().all(|&j| !lives[i].overlaps(&lives[j]));
        let all: Vec<usize> = (0..content.len()).collect();
        let slab = all.iter().filter(free).min_by_key(|&&s| gap(&content[s])).copied().unwrap_or_else(|| {
            content.push(Vec::new());
            made.sizes.push(lives[i].bytes);
            content.len() - 1
        });
        content[slab].push(i);
        made.slab_of[i] = slab;
    }
    made
}

/// Each at the lowest offset where it overlaps nothing that lives at its time; the better of two orders, by size and by time.
pub fn arena(lives: &[Lifetime]) -> Arena {
    let mut by_time: Vec<usize> = (0..lives.len()).collect();
    by_time.sort_by_key(|&i| (lives[i].start, std::cmp::Reverse(lives[i].bytes)));
    let mut by_length: Vec<usize> = (0..lives.len()).collect();
    by_length.sort_by_key(|&i| {
        (std::cmp::Reverse((lives[i].end - lives[i].start) as u64), std::cmp::Reverse(lives[i].bytes))
    });
    let all = [by_size(lives), by_time, by_length];
    all.iter().map(|order| arena_in(lives, order)).min_by_key(|a| a.bytes).unwrap_or_default()
}

fn arena_in(lives: &[Lifetime], order: &[usize]) -> Arena {
    let mut made = Arena { offsets: vec![0; lives.len()], bytes: 0 };
    let mut placed: Vec<usize> = Vec::new();
    for &i in order {
        let mut taken: Vec<(u64, u64)> = placed
            .iter()
            .filter(|&&j| lives[i].overlaps(&lives[j]))
            .map(|&j| (made.offsets[j], made.offsets[j] + lives[j].bytes))
            .collect();
        taken.sort_unstable();
        let mut at = 0;
        for (start, end) in taken {
            if at + lives[i].bytes <= start {
                break;
            }
            at = at.max(end);
        }
        made.offsets[i] = at;
        made.bytes = made.bytes.max(at + lives[i].bytes);
        placed.push(i);
    }
    made
}

/// Sizes of what lives at each position where something starts, largest first.
fn live_sets(lives: &[Lifetime]) -> impl Iterator<Item = Vec<u64>> {
    lives.iter().map(|at| {
        let alive = |l: &&Lifetime| l.start <= at.start && at.start < l.end;
        let mut sizes: Vec<u64> = lives.iter().filter(alive).map(|l| l.bytes).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes
    })
}

/// The most bytes that live at once.
pub fn largest_live_set(lives: &[Lifetime]) -> u64 {
    live_sets(lives).map(|s| s.iter().sum()).max().unwrap_or(0)
}

/// The sum over r of the maximum over time of the r-th largest live value: with one value per slab at a time, no set of slabs is
/// smaller.
pub fn one_value_per_slab_bound(lives: &[Lifetime]) -> u64 {
    let mut bound: Vec<u64> = Vec::new();
    for sizes in live_sets(lives) {
        bound.resize(bound.len().max(sizes.len()), 0);
        bound.iter_mut().zip(sizes).for_each(|(b, s)| *b = (*b).max(s));
    }
    bound.iter().sum()
}
