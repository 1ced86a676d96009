//! `AutoencoderTinyFlux2`: TAEF2, the tiny autoencoder of FLUX.2's latent space (madebyollin/taesd, MIT). Keys are those of the native files:
//! one flat `nn.Sequential`, whose indices count layers without weights too.

use serde::Deserialize;

use super::module::Conv;
use super::{Module, bounds};
use crate::graph::ValueId;
use crate::ops::Act;
use crate::weights::Role;

/// `config.json` of the autoencoder.
#[derive(Clone, Debug, Deserialize)]
pub struct AutoencoderTinyFlux2 {
    /// Channels of the latent.
    pub latent_channels: usize,
    /// Channels of the stages of the decoder, from the latent up; all equal in this class.
    pub block_out_channels: Vec<usize>,
    /// Blocks of each stage of the decoder.
    pub num_decoder_blocks: Vec<usize>,
    /// Channels of the pooled branch of the blocks at latent resolution.
    pub midblock_pool_channels: usize,
    /// Groups of its norm.
    pub midblock_norm_groups: usize,
    /// Latents are squeezed to ± this by tanh.
    #[serde(default = "three")]
    pub latent_magnitude: f32,
    /// The latents of the sampler are those of the autoencoder times this.
    #[serde(default = "one")]
    pub scaling_factor: f32,
    /// What the decoder's 0 and 1 are.
    #[serde(default = "unit")]
    pub sample_range: [f32; 2],
}

fn three() -> f32 {
    3.0
}
fn one() -> f32 {
    1.0
}
fn unit() -> [f32; 2] {
    [0.0, 1.0]
}

/// Of `nn.GroupNorm`, by default.
const EPS: f32 = 1e-5;

impl AutoencoderTinyFlux2 {
    /// What the config asks for that this code does not do.
    pub fn check(&self) -> Result<(), String> {
        let blocks = self.num_decoder_blocks.iter().copied().max().unwrap_or(0);
        bounds::within(bounds::LAYERS, &[("num_decoder_blocks", blocks)])?;
        let channels = self.block_out_channels.iter().copied().max().unwrap_or(0);
        bounds::within(
            bounds::WIDTH,
            &[
                ("latent_channels", self.latent_channels),
                ("block_out_channels", channels),
                ("midblock_pool_channels", self.midblock_pool_channels),
            ],
        )?;
        let stages = self.num_decoder_blocks.len();
        let width = self.block_out_channels.first().copied().unwrap_or(0);
        // Each stage but one doubles the picture; 16 are a doubling beyond all sizes.
        if stages > 16 {
            return Err(format!("{stages} num_decoder_blocks are more than 16"));
        }
        if stages == 0 || width == 0 || self.block_out_channels.iter().any(|&c| c != width) {
            return Err("num_decoder_blocks must not be empty and all block_out_channels alike".into());
        }
        if self.midblock_norm_groups == 0
            || !self.midblock_pool_channels.is_multiple_of(self.midblock_norm_groups)
        {
            return Err("midblock_norm_groups must divide midblock_pool_channels".into());
        }
        let [low, high] = self.sample_range;
        if !(low < high && self.scaling_factor > 0.0 && self.latent_magnitude > 0.0) {
            return Err("sample_range must rise, scaling_factor and latent_magnitude be positive".into());
        }
        Ok(())
    }

    /// Pixels per latent pixel.
    pub fn scale(&self) -> usize {
        1 << (self.num_decoder_blocks.len() - 1)
    }

    /// Latent `[n, H, W, C]` of the sampler to a picture `[n, s·H, s·W, 3]` in `sample_range`.
    pub fn record_decoder(&self, m: &mut Module<'_>, x: ValueId) -> ValueId {
        let c = self.block_out_channels[0];
        // 0: tanh(x / magnitude) · magnitude, of x / scaling_factor
        let scale = 1.0 / (self.scaling_factor * self.latent_magnitude);
        let x = m.g.scope("0", |g| g.scaled_activation(x, Act::Tanh, scale, self.latent_magnitude));
        let x = m.conv2d("1", x, c, Conv::SAME);
        let mut x = m.g.activation(x, Act::Relu); // 2
        let mut index = 3;
        for (stage, &blocks) in self.num_decoder_blocks.iter().enumerate() {
            if stage > 0 {
                x = m.g.scope(index.to_string(), |g| g.upsample(x));
                x = m.conv2d(&(index + 1).to_string(), x, c, Conv { bias: false, ..Conv::SAME });
                index += 2;
            }
            for _ in 0..blocks {
                x = m.scope(index.to_string(), |m| self.block(m, x, stage == 0));
                index += 1;
            }
        }
        m.conv2d(&index.to_string(), x, 3, Conv::SAME)
    }

    /// Three convolutions with a residual; at latent resolution a normalised bottleneck before.
    fn block(&self, m: &mut Module<'_>, x: ValueId, pooled: bool) -> ValueId {
        let c = m.g.shape(x).last();
        let x = if pooled {
            let wide = self.midblock_pool_channels;
            let pool = m.conv2d("pool.0", x, wide, Conv::POINT);
            let weight = m.weight("pool.1.weight", Role::Vector, [wide]);
            let bias = m.weight("pool.1.bias", Role::Vector, [wide]);
            let pool =
                m.scope("pool.1", |m| m.g.group_norm(pool, weight, bias, self.midblock_norm_groups, EPS));
            let pool = m.g.activation(pool, Act::Relu); // pool.2
            let pool = m.conv2d("pool.3", pool, c, Conv::POINT);
            m.g.add(pool, x)
        } else {
            x
        };
        let y = m.conv2d("conv.0", x, c, Conv::SAME);
        let y = m.g.activation(y, Act::Relu);
        let y = m.conv2d("conv.2", y, c, Conv::SAME);
        let y = m.g.activation(y, Act::Relu);
        let y = m.conv2d("conv.4", y, c, Conv::SAME);
        let y = m.g.add(y, x);
        m.g.activation(y, Act::Relu)
    }
}
