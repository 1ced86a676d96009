//! Sizes beyond what any model has are refused by name: so recording ends, and products of sizes stay far from overflow.

/// Layers and blocks.
pub const LAYERS: usize = 1024;
/// Channels, heads, buckets and sides.
pub const WIDTH: usize = 1 << 16;
/// Rows of an embedding table.
pub const VOCABULARY: usize = 1 << 24;

/// Whether all `sizes`, named as in the config, are at most `most`.
pub fn within(most: usize, sizes: &[(&str, usize)]) -> Result<(), String> {
    match sizes.iter().find(|(_, size)| *size > most) {
        Some((name, size)) => {
            Err(format!("{name} {size} is more than {most}, beyond any model of this class"))
        }
        None => Ok(()),
    }
}
