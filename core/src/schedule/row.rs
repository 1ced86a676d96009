//! One network evaluation as data: where the network is evaluated, and the matrix that moves the sampler's state.
//! The GPU reads the same row as [`ROW_LEN`] floats; [`apply_row`] is the plain f64 meaning of it.

/// Floats of a row on the device. Only the first [`ROW_USED`] mean something, the others are zero.
pub const ROW_LEN: usize = 64;
/// Offset of the timestep.
pub const ROW_TIMESTEP: usize = 0;
/// Offset of the input scale.
pub const ROW_INPUT_SCALE: usize = 1;
/// Offset of the guidance weight.
pub const ROW_GUIDANCE: usize = 2;
/// Offset of the noise slot, a whole number, -1 where the row reads no noise.
pub const ROW_NOISE_SLOT: usize = 3;
/// Offset of the 5 × 7 matrix, row by row: element `[to][from]` lies at `ROW_MATRIX + 7 to + from`.
pub const ROW_MATRIX: usize = 4;
/// Offset of the two coefficients (of x and of the output) of the denoised latent.
pub const ROW_DENOISED: usize = 39;
/// Offset of the two coefficients (of the original and of noise) for inpainting.
pub const ROW_MASK_BLEND: usize = 41;
/// Floats of a row that mean something.
pub const ROW_USED: usize = 43;

/// Index of the latent in the state, and of its coefficients in the matrix.
pub const X: usize = 0;
/// Index of the first history slot (`H1 + 1` and `H1 + 2` are the other two, and 4 the saved slot).
pub const H1: usize = 1;
/// Column of the guided network output.
pub const OUTPUT: usize = 5;
/// Column of fresh noise.
pub const NOISE: usize = 6;

/// One network evaluation. All coefficients act on the *unscaled* latent x, in the latent's own units.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which of the steps asked for this evaluation belongs to, from 0.
    pub step: usize,
    /// Timestep the network is told, in training timesteps; may be fractional.
    pub timestep: f64,
    /// The network reads `input_scale · x`.
    pub input_scale: f64,
    /// Weight w of `uncond + w (cond - uncond)`; 1 where the row is not guided.
    pub guidance: f64,
    /// Whether the uncond half is computed at all.
    pub guided: bool,
    /// `{x, h1, h2, h3, s, output, noise}` (columns) to `{x', h1', h2', h3', s'}` (rows).
    pub matrix: [[f64; 7]; 5],
    /// Coefficients of x and of the output in the denoised latent, for previews.
    pub denoised: [f64; 2],
    /// Coefficients of the original latent and of noise for inpainting; zero when unused.
    pub mask_blend: [f64; 2],
    /// Which of the schedule's noise draws the row reads.
    pub noise_slot: Option<u32>,
}

impl Row {
    /// A row that changes nothing yet: evaluates the network at x unscaled and leaves the state zero.
    pub(super) fn new(step: usize, timestep: f64) -> Self {
        Self {
            step,
            timestep,
            input_scale: 1.0,
            guidance: 1.0,
            guided: false,
            matrix: [[0.0; 7]; 5],
            denoised: [0.0; 2],
            mask_blend: [0.0; 2],
            noise_slot: None,
        }
    }

    /// Whether every coefficient is a number.
    pub(super) fn is_finite(&self) -> bool {
        let all = self.matrix.as_flattened().iter().chain(&self.denoised);
        all.chain([&self.input_scale, &self.timestep]).all(|value| value.is_finite())
    }

    /// The row as the device reads it, at the offsets `ROW_*`; rounded to f32 here and nowhere before.
    #[must_use]
    pub fn to_f32(&self) -> [f32; ROW_LEN] {
        let mut packed = [0.0; ROW_LEN];
        let mut put = |at: usize, value: f64| packed[at] = value as f32;
        put(ROW_TIMESTEP, self.timestep);
        put(ROW_INPUT_SCALE, self.input_scale);
        put(ROW_GUIDANCE, self.guidance);
        put(ROW_NOISE_SLOT, self.noise_slot.map_or(-1.0, f64::from));
        for (i, &coefficient) in self.matrix.as_flattened().iter().enumerate() {
            put(ROW_MATRIX + i, coefficient);
        }
        for i in 0..2 {
            put(ROW_DENOISED + i, self.denoised[i]);
            put(ROW_MASK_BLEND + i, self.mask_blend[i]);
        }
        packed
    }
}

/// Moves one latent element's state `{x, h1, h2, h3, s}` by one row, in f64.
///
/// `output` is the guided network output at `input_scale · x`, `noise` the element of the row's draw (unread where the row
/// has none). A term with a zero coefficient is skipped, not multiplied, so an unset slot may hold anything, even NaN.
pub fn apply_row(row: &Row, state: &mut [f64; 5], output: f64, noise: f64) {
    let inputs = [state[0], state[1], state[2], state[3], state[4], output, noise];
    *state = row.matrix.map(|coefficients| {
        let terms = coefficients.iter().zip(inputs).filter(|(c, _)| **c != 0.0);
        terms.map(|(c, value)| c * value).sum()
    });
}
