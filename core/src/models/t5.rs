//! `T5EncoderModel` of transformers (Raffel et al., arXiv 1910.10683): pre-norm, no biases, scale 1, one relative position bias
//! shared by all layers, which depends on nothing but weights and so becomes a part of its own.

use serde::Deserialize;

use super::{Module, bounds};
use crate::graph::ValueId;
use crate::ops::{Act, Mask};
use crate::weights::Role;

/// `config.json` of a T5 encoder.
#[derive(Clone, Debug, Deserialize)]
pub struct T5EncoderModel {
    /// Rows of the embedding table.
    pub vocab_size: usize,
    /// Width C.
    pub d_model: usize,
    /// Width of a head.
    pub d_kv: usize,
    /// Width of the gated unit.
    pub d_ff: usize,
    /// Layers.
    pub num_layers: usize,
    /// Heads.
    pub num_heads: usize,
    /// Buckets of the relative position bias.
    #[serde(default = "buckets")]
    pub relative_attention_num_buckets: usize,
    /// Distance from which all positions share the last bucket.
    #[serde(default = "distance")]
    pub relative_attention_max_distance: usize,
    /// Of the norms.
    #[serde(default = "epsilon")]
    pub layer_norm_epsilon: f32,
    /// `gated-gelu` here; others are refused by name.
    #[serde(default = "relu")]
    pub feed_forward_proj: String,
}

fn buckets() -> usize {
    32
}
fn distance() -> usize {
    128
}
fn epsilon() -> f32 {
    1e-6
}
fn relu() -> String {
    "relu".into()
}

impl T5EncoderModel {
    /// What the config asks for that this code does not do.
    pub fn check(&self) -> Result<(), String> {
        bounds::within(bounds::LAYERS, &[("num_layers", self.num_layers)])?;
        bounds::within(bounds::VOCABULARY, &[("vocab_size", self.vocab_size)])?;
        bounds::within(
            bounds::WIDTH,
            &[
                ("d_model", self.d_model),
                ("d_kv", self.d_kv),
                ("d_ff", self.d_ff),
                ("num_heads", self.num_heads),
                ("num_heads · d_kv", self.num_heads.saturating_mul(self.d_kv)),
                ("relative_attention_num_buckets", self.relative_attention_num_buckets),
                ("relative_attention_max_distance", self.relative_attention_max_distance),
            ],
        )?;
        match self.feed_forward_proj.as_str() {
            // Half of the buckets are for each direction, half of those for exact distances.
            "gated-gelu" if self.relative_attention_num_buckets < 4 => {
                Err("relative_attention_num_buckets must be at least 4".into())
            }
            "gated-gelu"
                if self.relative_attention_max_distance <= self.relative_attention_num_buckets / 4 =>
            {
                Err("relative_attention_max_distance must be beyond the exact quarter of the buckets".into())
            }
            "gated-gelu"
                if [self.d_model, self.d_kv, self.d_ff, self.num_heads, self.vocab_size].contains(&0) =>
            {
                Err("d_model, d_kv, d_ff, num_heads and vocab_size must be at least 1".into())
            }
            "gated-gelu" => Ok(()),
            other => Err(format!("feed_forward_proj `{other}` is not supported; known: gated-gelu")),
        }
    }

    /// `[P, T]` ids and `[P]` lengths to `[P, T, C]`.
    pub fn record(&self, m: &mut Module<'_>, ids: ValueId, lengths: ValueId) -> ValueId {
        let tokens = m.g.shape(ids).last();
        let table = m.weight("shared.weight", Role::Table, [self.vocab_size, self.d_model]);
        let mut x = m.g.embedding(ids, table);
        let bias = self.position_bias(m, tokens);
        for block in 0..self.num_layers {
            x = m.scope(format!("encoder.block.{block}"), |m| self.block(m, x, bias, lengths));
        }
        let weight = m.weight("encoder.final_layer_norm.weight", Role::Vector, [self.d_model]);
        m.scope("encoder.final_layer_norm", |m| m.g.rms_norm(x, weight, self.layer_norm_epsilon))
    }

    fn block(&self, m: &mut Module<'_>, x: ValueId, bias: ValueId, lengths: ValueId) -> ValueId {
        let x = m.scope("layer.0", |m| {
            let normed = self.norm(m, x);
            let attended = m.scope("SelfAttention", |m| {
                let inner = self.num_heads * self.d_kv;
                let [q, k, v] = ["q", "k", "v"].map(|name| m.linear(name, normed, inner, false));
                let out =
                    m.g.attention([q, k, v], self.num_heads, 1.0, Mask::BiasKeyLengths, &[bias, lengths]);
                m.linear("o", out, self.d_model, false)
            });
            m.g.add(x, attended)
        });
        m.scope("layer.1", |m| {
            let normed = self.norm(m, x);
            let fed = m.scope("DenseReluDense", |m| {
                let gate = m.linear("wi_0", normed, self.d_ff, false);
                let gate = m.g.activation(gate, Act::GeluTanh);
                let value = m.linear("wi_1", normed, self.d_ff, false);
                let gated = m.g.mul(gate, value);
                m.linear("wo", gated, self.d_model, false)
            });
            m.g.add(x, fed)
        })
    }

    fn norm(&self, m: &mut Module<'_>, x: ValueId) -> ValueId {
        let weight = m.weight("layer_norm.weight", Role::Vector, [self.d_model]);
        m.scope("layer_norm", |m| m.g.rms_norm(x, weight, self.layer_norm_epsilon))
    }

    /// `[1, heads, T, T]`: one learned number per head and bucket of distances.
    fn position_bias(&self, m: &mut Module<'_>, tokens: usize) -> ValueId {
        let name = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
        let table = m.weight(name, Role::Table, [self.relative_attention_num_buckets, self.num_heads]);
        let buckets = (0..tokens * tokens).map(|at| self.bucket(at % tokens, at / tokens)).collect();
        let ids = m.g.constant_u32("relative_position_bucket", [tokens * tokens], buckets);
        let bias = m.g.embedding(ids, table);
        let bias = m.g.reshape(bias, [1, tokens, tokens, self.num_heads]);
        m.g.permute(bias, &[0, 3, 1, 2])
    }

    /// Bucket of a key seen from a query: half of them for keys behind; small distances one each, larger ones by logarithm.
    fn bucket(&self, key: usize, query: usize) -> u32 {
        let half = self.relative_attention_num_buckets / 2;
        let exact = half / 2;
        let distance = key.abs_diff(query);
        let bucket = if distance < exact {
            distance
        } else {
            // f32 as in transformers: the bucket is the integer part, and f64 could land on the other side of it.
            let far = libm::logf(distance as f32 / exact as f32)
                / libm::log(self.relative_attention_max_distance as f64 / exact as f64) as f32
                * (half - exact) as f32;
            (exact + far as usize).min(half - 1)
        };
        (bucket + if key > query { half } else { 0 }) as u32
    }
}
