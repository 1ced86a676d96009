//! `PixArtTransformer2DModel` of diffusers (Chen et al., arXiv 2310.00426): patches, adaLN-single, self- and cross-attention.

use serde::Deserialize;

use super::bounds;
use super::embeddings::sincos_2d;
use super::module::{Conv, Module};
use crate::graph::ValueId;
use crate::ops::{Act, Mask};
use crate::weights::Role;

/// `config.json` of a PixArt transformer.
#[derive(Clone, Debug, Deserialize)]
pub struct PixArtTransformer2DModel {
    /// Heads.
    pub num_attention_heads: usize,
    /// Width of a head.
    pub attention_head_dim: usize,
    /// Channels of the latent.
    pub in_channels: usize,
    /// Channels of the output: those of the latent here; twice as many (a learned variance) is refused.
    #[serde(default)]
    pub out_channels: Option<usize>,
    /// Blocks.
    pub num_layers: usize,
    /// Side of a patch.
    pub patch_size: usize,
    /// Side of the latent it was trained on.
    pub sample_size: usize,
    /// Width of the text encoder.
    pub caption_channels: usize,
    /// Whether q, k and v have biases.
    #[serde(default = "yes")]
    pub attention_bias: bool,
    /// Of the feed-forward.
    #[serde(default = "gelu_approximate")]
    pub activation_fn: String,
    /// Of the norms.
    #[serde(default = "epsilon")]
    pub norm_eps: f32,
    /// `ada_norm_single` is what there is.
    #[serde(default = "ada_norm_single")]
    pub norm_type: String,
    /// Norms with weights of their own.
    #[serde(default)]
    pub norm_elementwise_affine: bool,
    /// Divides positions; from the sample size where the file says nothing.
    #[serde(default)]
    pub interpolation_scale: Option<f64>,
    /// Size and aspect embeddings of the 1024 models.
    #[serde(default)]
    pub use_additional_conditions: Option<bool>,
}

fn yes() -> bool {
    true
}
fn gelu_approximate() -> String {
    "gelu-approximate".into()
}
fn ada_norm_single() -> String {
    "ada_norm_single".into()
}
fn epsilon() -> f32 {
    1e-6
}

/// Rows of a block's modulation, `[1, 6, C]`.
const SHIFT_MSA: usize = 0;
const SCALE_MSA: usize = 1;
const GATE_MSA: usize = 2;
const SHIFT_MLP: usize = 3;
const SCALE_MLP: usize = 4;
const GATE_MLP: usize = 5;
/// Of the last norm; the class fixes it whatever the config says of the others.
const NORM_OUT_EPS: f32 = 1e-6;

impl PixArtTransformer2DModel {
    /// What the config asks for that this code does not do.
    pub fn check(&self) -> Result<(), String> {
        bounds::within(bounds::LAYERS, &[("num_layers", self.num_layers)])?;
        bounds::within(
            bounds::WIDTH,
            &[
                ("num_attention_heads", self.num_attention_heads),
                ("attention_head_dim", self.attention_head_dim),
                ("num_attention_heads · attention_head_dim", self.width()),
                ("in_channels", self.in_channels),
                ("patch_size", self.patch_size),
                ("sample_size", self.sample_size),
                ("caption_channels", self.caption_channels),
            ],
        )?;
        let out = self.out_channels.unwrap_or(self.in_channels);
        let conditions = self.use_additional_conditions.unwrap_or(self.sample_size == 128);
        match () {
            () if self.activation_fn != "gelu-approximate" => Err(format!(
                "activation_fn `{}` is not supported; known: gelu-approximate",
                self.activation_fn
            )),
            () if self.norm_type != "ada_norm_single" || self.norm_elementwise_affine => {
                Err("only norm_type `ada_norm_single` without elementwise affine is supported".into())
            }
            () if conditions => {
                Err("use_additional_conditions (size embeddings) is not supported yet".into())
            }
            () if out != self.in_channels => Err(format!(
                "out_channels {out} for in_channels {}: a learned variance is not supported",
                self.in_channels
            )),
            () if self.width() == 0 || !self.width().is_multiple_of(4) || self.patch_size == 0 => {
                Err("the width must be a multiple of 4 above 0 and patch_size at least 1".into())
            }
            () if self.in_channels == 0 || self.sample_size == 0 => {
                Err("in_channels and sample_size must be at least 1".into())
            }
            () => Ok(()),
        }
    }

    fn width(&self) -> usize {
        self.num_attention_heads.saturating_mul(self.attention_head_dim)
    }

    /// Latent `[N, H, W, C]`, timestep `[1]`, text `[P, T, C']` with lengths `[P]`, to the output `[N, H, W, C]`.
    pub fn record(
        &self,
        m: &mut Module<'_>,
        x: ValueId,
        t: ValueId,
        text: ValueId,
        lengths: ValueId,
    ) -> ValueId {
        let [n, h, w, _] = m.g.shape(x)[..] else { panic!("the latent is [N, H, W, C]") };
        let (c, p) = (self.width(), self.patch_size);
        let (rows, columns) = (h / p, w / p);
        let mut x = m.scope("pos_embed", |m| {
            let patch = Conv { kernel: p, stride: p, padding: 0, bias: true };
            let patches = m.conv2d("proj", x, c, patch);
            let tokens = m.g.reshape(patches, [n, rows * columns, c]);
            let base = self.sample_size / p;
            let scale = self.interpolation_scale.unwrap_or_else(|| (self.sample_size / 64).max(1) as f64);
            let table = sincos_2d(c, rows, columns, base, scale);
            let table = m.g.constant("table", Role::Vector, [1, rows * columns, c], table);
            m.g.add(tokens, table)
        });
        let (mods, embedded_timestep) = m.scope("adaln_single", |m| self.adaln_single(m, t));
        let text = m.scope("caption_projection", |m| {
            let text = m.linear("linear_1", text, c, true);
            let text = m.g.activation(text, Act::GeluTanh);
            m.linear("linear_2", text, c, true)
        });
        for block in 0..self.num_layers {
            x = m.scope(format!("transformer_blocks.{block}"), |m| self.block(m, x, mods, text, lengths));
        }
        let table = m.weight("scale_shift_table", Role::Vector, [2, c]);
        let table = m.g.reshape(table, [1, 2, c]);
        let embedded = m.g.reshape(embedded_timestep, [1, 1, c]);
        let mods = m.g.scope("scale_shift_table", |g| g.add(table, embedded));
        let x = m.scope("norm_out", |m| m.g.layer_norm(x, None, NORM_OUT_EPS));
        let x = m.g.modulate(x, mods, 0, 1);
        let out = m.linear("proj_out", x, p * p * self.in_channels, true);
        // tokens of p × p pixels to a picture: n h w p q c → n h p w q c
        let out = m.g.reshape(out, [n, rows, columns, p, p, self.in_channels]);
        let out = m.g.scope("unpatchify", |g| g.permute(out, &[0, 1, 3, 2, 4, 5]));
        m.g.reshape(out, [n, h, w, self.in_channels])
    }

    /// Timestep `[1]` to modulations `[1, 6C]` and the embedded timestep `[1, C]` (`AdaLayerNormSingle`).
    fn adaln_single(&self, m: &mut Module<'_>, t: ValueId) -> (ValueId, ValueId) {
        let c = self.width();
        let embedded = m.scope("emb", |m| {
            let waves = m.g.timestep_embedding(t, 256, true, 0.0);
            m.scope("timestep_embedder", |m| {
                let x = m.linear("linear_1", waves, c, true);
                let x = m.g.activation(x, Act::Silu);
                m.linear("linear_2", x, c, true)
            })
        });
        let x = m.g.activation(embedded, Act::Silu);
        (m.linear("linear", x, 6 * c, true), embedded)
    }

    /// `BasicTransformerBlock` with `ada_norm_single`: no norm before the cross-attention, and no gate behind it.
    fn block(
        &self,
        m: &mut Module<'_>,
        x: ValueId,
        mods: ValueId,
        text: ValueId,
        lengths: ValueId,
    ) -> ValueId {
        let c = self.width();
        let table = m.weight("scale_shift_table", Role::Vector, [6, c]);
        let table = m.g.reshape(table, [1, 6, c]);
        let mods = m.g.reshape(mods, [1, 6, c]);
        let mods = m.g.scope("scale_shift_table", |g| g.add(table, mods));

        let normed = m.scope("norm1", |m| m.g.layer_norm(x, None, self.norm_eps));
        let normed = m.g.modulate(normed, mods, SHIFT_MSA, SCALE_MSA);
        let attended = m.scope("attn1", |m| self.attention(m, normed, normed, None));
        let attended = m.g.gate(attended, mods, GATE_MSA);
        let x = m.g.add(attended, x);

        let attended = m.scope("attn2", |m| self.attention(m, x, text, Some(lengths)));
        let x = m.g.add(attended, x);

        let normed = m.scope("norm2", |m| m.g.layer_norm(x, None, self.norm_eps));
        let normed = m.g.modulate(normed, mods, SHIFT_MLP, SCALE_MLP);
        let fed = m.scope("ff", |m| {
            let fed = m.linear("net.0.proj", normed, 4 * c, true);
            let fed = m.g.activation(fed, Act::GeluTanh);
            m.linear("net.2", fed, c, true)
        });
        let fed = m.g.gate(fed, mods, GATE_MLP);
        m.g.add(fed, x)
    }

    fn attention(
        &self,
        m: &mut Module<'_>,
        x: ValueId,
        context: ValueId,
        lengths: Option<ValueId>,
    ) -> ValueId {
        let c = self.width();
        let q = m.linear("to_q", x, c, self.attention_bias);
        let k = m.linear("to_k", context, c, self.attention_bias);
        let v = m.linear("to_v", context, c, self.attention_bias);
        let mask = if lengths.is_some() { Mask::KeyLengths } else { Mask::None };
        let scale = 1.0 / (self.attention_head_dim as f32).sqrt();
        let masks: Vec<_> = lengths.into_iter().collect();
        let out = m.g.attention([q, k, v], self.num_attention_heads, scale, mask, &masks);
        m.linear("to_out.0", out, c, true)
    }
}
