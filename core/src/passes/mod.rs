//! Passes: pure functions on plain data, each printable, from a recording to a program with its memory.

pub mod choose;
pub mod fuse;
pub mod hoist;
pub mod plan;
pub mod precision;
