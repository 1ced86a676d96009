//! Position tables, made on the host in f64 as diffusers does (`get_2d_sincos_pos_embed`).

/// Sines and cosines of a grid of `height × width` patches, `[height · width, dim]`: the first half of the channels for the column,
/// the second for the row, each sines then cosines (MAE, arXiv 2111.06377). Positions are divided by `length / base` and by
/// `interpolation`, `base` being the grid the model was trained on.
pub fn sincos_2d(dim: usize, height: usize, width: usize, base: usize, interpolation: f64) -> Vec<f32> {
    let place = |at: usize, length: usize| {
        // diffusers makes the grid in f32
        at as f32 / (length as f32 / base as f32) / interpolation as f32
    };
    let quarter = dim / 4;
    let mut table = Vec::with_capacity(height * width * dim);
    for y in 0..height {
        for x in 0..width {
            for position in [place(x, width), place(y, height)] {
                let angle = |i: usize| f64::from(position) / libm::pow(10_000.0, i as f64 / quarter as f64);
                table.extend((0..quarter).map(|i| libm::sin(angle(i)) as f32));
                table.extend((0..quarter).map(|i| libm::cos(angle(i)) as f32));
            }
        }
    }
    table
}
