//! Small recordings with every source in them, made of any list of ops: what passes are tried on where no model has the shape of a question.

use onelaunch_core::graph::{Graph, Slot, ValueId};
use onelaunch_core::ops::{Act, Mask, state_len};
use onelaunch_core::schedule::ROW_LEN;
use onelaunch_core::shape::DType;
use onelaunch_core::weights::Role;

/// Tokens of every value, and of the prompt.
pub const TOKENS: usize = 4;
/// Channels of every value.
pub const WIDTH: usize = 8;
/// Height and width of the same tokens as a picture.
const SIDE: usize = 2;
/// Rows of the table of ids.
const VOCABULARY: usize = 16;
const EPS: f32 = 1e-5;

/// What a step of a recording does with values `a` and `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// a + b
    Add,
    /// a · b
    Mul,
    /// A product with a bias.
    Linear,
    /// An activation.
    Activation,
    /// Layer norm and modulation by b.
    NormModulate,
    /// A product, its gate out of b, and a again.
    GatedResidual,
    /// Attention of a to b.
    Attention,
    /// The same for the real tokens of a prompt.
    MaskedAttention,
    /// A convolution and an activation.
    Conv,
    /// Upsampled, and convolved to the size before.
    Upsample,
    /// Group norm and an activation.
    GroupNorm,
    /// RMS norm.
    RmsNorm,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 12] = [
        Self::Add,
        Self::Mul,
        Self::Linear,
        Self::Activation,
        Self::NormModulate,
        Self::GatedResidual,
        Self::Attention,
        Self::MaskedAttention,
        Self::Conv,
        Self::Upsample,
        Self::GroupNorm,
        Self::RmsNorm,
    ];
}

/// One step: what, and of which values, by their position (modulo how many there are).
pub type Step = (Kind, usize, usize);

/// Positions of the values that every recording begins with.
pub mod sources {
    /// The latent.
    pub const STATE: usize = 0;
    /// Of constants alone.
    pub const CONSTANT: usize = 1;
    /// Of token ids.
    pub const PROMPT: usize = 2;
    /// Of the timestep.
    pub const SCHEDULE: usize = 3;
    /// Of the input picture.
    pub const PICTURE: usize = 4;
    /// How many.
    pub const COUNT: usize = 5;
}

/// A value with how its batch grows: 0 for one, 1 for P, 2 for P · n. (Lengths would not do: for one prompt they are alike, and both
/// variants must record the same.)
type Ranked = (ValueId, u8);

/// Shape of the latents of n pictures.
#[must_use]
pub const fn latent(n: usize) -> [usize; 4] {
    [n, SIDE, SIDE, WIDTH]
}

/// One variant of the step. All of the last values reach the output.
#[must_use]
pub fn step(steps: &[Step], n: usize, guided: bool, rows: usize) -> Graph {
    let mut g = Graph::new();
    let halves = if guided { 2 } else { 1 };
    let [_, h, w, c] = latent(n);
    let state = g.slot(Slot::State, [state_len(n * h * w * c)], DType::F32);
    let row = g.slot(Slot::Row, [ROW_LEN], DType::F32);
    let tables = g.slot(Slot::Rows, [rows, ROW_LEN], DType::F32);
    let ids = g.slot(Slot::Tokens(0), [halves, TOKENS], DType::U32);
    let lengths = g.slot(Slot::Lengths(0), [halves], DType::U32);
    let t = g.slot(Slot::Timestep, [1], DType::F32);
    let picture = g.slot(Slot::Picture, [1, TOKENS, WIDTH], DType::F32);
    let noise = g.slot(Slot::Noise, [1, n, h, w, c], DType::F32);

    g.load_row(tables, state, row);
    let x = g.view(state, 0, latent(n));
    let x = g.scale_input(x, row, halves);
    let x = g.reshape(x, [halves * n, TOKENS, WIDTH]);
    let plain = weight(&mut g, "plain", Role::Vector, [1, TOKENS, WIDTH], 1.0);
    let plain = g.scope("constant", |g| g.activation(plain, Act::Tanh));
    let table = weight(&mut g, "table", Role::Table, [VOCABULARY, WIDTH], 1.0);
    let prompt = g.scope("prompt", |g| g.embedding(ids, table));
    let waves = g.scope("schedule", |g| g.timestep_embedding(t, TOKENS * WIDTH, true, 0.0));
    let waves = g.reshape(waves, [1, TOKENS, WIDTH]);
    let picture = g.scope("picture", |g| linear(g, picture));

    let mut made: Vec<Ranked> = vec![(x, 2), (plain, 0), (prompt, 1), (waves, 0), (picture, 0)];
    for (at, &(kind, a, b)) in steps.iter().enumerate() {
        let (mut a, mut b) = (made[a % made.len()], made[b % made.len()]);
        if a.1 < b.1 {
            std::mem::swap(&mut a, &mut b);
        }
        let value = g.scope(format!("{at}"), |g| one(g, kind, a.0, b.0, lengths, a.1 > 0));
        made.push((value, a.1));
    }
    let mut out = x;
    for &(value, _) in made.iter().rev().take(3) {
        out = g.scope("out", |g| g.add(out, value));
    }
    let out = g.scope("out", |g| g.activation(out, Act::Tanh));
    let out = g.reshape(out, [halves * n, h, w, c]);
    g.sampler_step(guided, [out, noise, row], state);
    g
}

/// The latent to pixels.
#[must_use]
pub fn finish(n: usize) -> Graph {
    let mut g = Graph::new();
    let [_, h, w, c] = latent(n);
    let state = g.slot(Slot::State, [state_len(n * h * w * c)], DType::F32);
    let x = g.view(state, 0, latent(n));
    let colours = weight(&mut g, "colours", Role::Matrix, [3, WIDTH], 0.3);
    let x = g.linear(x, colours, None);
    let pixels = g.slot(Slot::Pixels, [n, h, w], DType::U32);
    g.to_rgba8(x, -1.0, 1.0, pixels);
    g
}

fn one(g: &mut Graph, kind: Kind, a: ValueId, b: ValueId, lengths: ValueId, prompted: bool) -> ValueId {
    let lead = g.shape(a).lead();
    let picture = [lead, SIDE, SIDE, WIDTH];
    let tokens = [lead, TOKENS, WIDTH];
    match kind {
        Kind::Add => g.add(a, b),
        Kind::Mul => {
            let product = g.mul(a, b);
            // Products of products must not leave the range of f32.
            g.activation(product, Act::Tanh)
        }
        Kind::Linear => linear(g, a),
        Kind::Activation => g.activation(a, Act::GeluTanh),
        Kind::NormModulate => {
            let normed = g.layer_norm(a, None, EPS);
            let mods = g.scope("mods", |g| g.activation(b, Act::Tanh));
            g.modulate(normed, mods, 0, 1)
        }
        Kind::GatedResidual => {
            let product = linear(g, a);
            let gate = g.scope("mods", |g| g.activation(b, Act::Tanh));
            let gated = g.gate(product, gate, 2);
            g.add(gated, a)
        }
        Kind::Attention => g.attention([a, b, b], 2, 0.5, Mask::None, &[]),
        // One length per prompt: a batch of one has none of its own.
        Kind::MaskedAttention if prompted => g.attention([a, b, b], 2, 0.5, Mask::KeyLengths, &[lengths]),
        Kind::MaskedAttention => g.attention([a, b, b], 2, 0.5, Mask::Causal, &[]),
        Kind::Conv => {
            let kernel = weight(g, "kernel", Role::Matrix, [WIDTH, 3, 3, WIDTH], 0.2);
            let x = g.reshape(a, picture);
            let x = g.conv2d(x, kernel, None, 1, 1);
            let x = g.activation(x, Act::Relu);
            g.reshape(x, tokens)
        }
        Kind::Upsample => {
            let kernel = weight(g, "kernel", Role::Matrix, [WIDTH, 3, 3, WIDTH], 0.2);
            let x = g.reshape(a, picture);
            let x = g.upsample(x);
            let x = g.conv2d(x, kernel, None, 2, 1);
            g.reshape(x, tokens)
        }
        Kind::GroupNorm => {
            let scale = weight(g, "scale", Role::Vector, [WIDTH], 1.0);
            let shift = weight(g, "shift", Role::Vector, [WIDTH], 1.0);
            let x = g.reshape(a, picture);
            let x = g.group_norm(x, scale, shift, 2, EPS);
            let x = g.activation(x, Act::Silu);
            g.reshape(x, tokens)
        }
        Kind::RmsNorm => {
            let scale = weight(g, "scale", Role::Vector, [WIDTH], 1.0);
            g.rms_norm(a, scale, EPS)
        }
    }
}

fn linear(g: &mut Graph, x: ValueId) -> ValueId {
    let matrix = weight(g, "matrix", Role::Matrix, [WIDTH, WIDTH], 0.5);
    let bias = weight(g, "bias", Role::Vector, [WIDTH], 0.3);
    g.linear(x, matrix, Some(bias))
}

/// Host data in the place of a weight, different for every label.
fn weight<const N: usize>(g: &mut Graph, name: &str, role: Role, shape: [usize; N], scale: f32) -> ValueId {
    let label = g.label(name);
    let seed = label.bytes().fold(17u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b)));
    let data = numbers(seed, shape.iter().product(), scale);
    g.constant(name, role, shape, data)
}

/// Numbers between −scale and scale that look like noise.
#[must_use]
pub fn numbers(seed: u32, count: usize, scale: f32) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next() * scale).collect()
}
