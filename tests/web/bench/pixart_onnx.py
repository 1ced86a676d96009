"""diffusers' PixArtTransformer2DModel (adaLN-single, no size conditions) as ONNX nodes."""
import math

import numpy as np
from onnx import helper, numpy_helper

NORM_OUT_EPS = 1e-6  # of the last norm; the class fixes it
WAVES = 256  # of the timestep; the class fixes it
MASKED = -10000.0  # what diffusers adds to the scores of padding


def sincos(width, height, columns, base, interpolation):
    """`get_2d_sincos_pos_embed`: the first half of the channels for the column, the second for the row."""
    grid = lambda length: np.arange(length, dtype=np.float32) / np.float32(length / base) / np.float32(interpolation)
    x, y = np.meshgrid(grid(columns), grid(height))
    omega = 1.0 / 10000 ** (np.arange(width // 4, dtype=np.float64) / (width // 4))
    half = lambda at: np.concatenate([np.sin(at.reshape(-1, 1) * omega), np.cos(at.reshape(-1, 1) * omega)], axis=1)
    return np.concatenate([half(x), half(y)], axis=1).astype(np.float32)


class Network:
    """Records nodes and constants. `prologue` is what does not depend on the latents, `step` the rest: record one or both."""

    def __init__(self, config, weights, shapes, linear, attention):
        known = {"activation_fn": "gelu-approximate", "norm_type": "ada_norm_single", "norm_elementwise_affine": False, "use_additional_conditions": False}
        for key, value in known.items():
            if config[key] != value:
                raise SystemExit(f"{key} is {config[key]!r} in the model's config; this export knows {value!r} only")
        self.config, self.weights = config, weights
        self.batch, self.length = shapes["mask"]
        self.heads, self.layers = config["num_attention_heads"], config["num_layers"]
        self.width = self.heads * config["attention_head_dim"]
        self.kind = {"linear": linear, "attention": attention}
        self.nodes, self.constants, self.known = [], [], {}

    def op(self, kind, inputs, to=None, domain="", **attributes):
        name = to or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{kind}_{name}", domain=domain, **attributes))
        return name

    def constant(self, name, value):
        if name not in self.known:
            self.known[name] = value
            self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def shape(self, *sizes):
        return self.constant(f"shape_{'_'.join(map(str, sizes))}", np.array(sizes, dtype=np.int64))

    def scalar(self, value):
        return self.constant(f"scalar_{value}", np.array(value, dtype=np.float32))

    def reshape(self, x, *sizes, to=None):
        return self.op("Reshape", [x, self.shape(*sizes)], to=to)

    def linear(self, name, x, sizes, to=None):
        """`sizes` are those of x without its last."""
        weight = self.weights[f"{name}.weight"].T
        bias = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        weight = self.constant(f"{name}.weight", weight)
        if self.kind["linear"] == "matmul" or len(sizes) == 1:
            return self.op("Add", [self.op("MatMul", [x, weight]), bias], to=to)
        inner, outer = self.known[weight].shape
        flat = self.reshape(x, math.prod(sizes), inner)
        return self.reshape(self.op("Gemm", [flat, weight, bias]), *sizes, outer, to=to)

    def gelu(self, x):
        return self.op("Gelu", [x], approximate="tanh")

    def silu(self, x):
        return self.op("Mul", [x, self.op("Sigmoid", [x])])

    def norm(self, x, epsilon):
        ones = self.constant("norm.ones", np.ones(self.width, np.float32))
        zeros = self.constant("norm.zeros", np.zeros(self.width, np.float32))
        return self.op("LayerNormalization", [x, ones, zeros], axis=-1, epsilon=epsilon)

    def modulate(self, x, shift, scale):
        return self.op("Add", [self.op("Mul", [x, self.op("Add", [scale, self.scalar(1.0)])]), shift])

    def table(self, name, rows, mods):
        """`table[None] + mods` in `rows` chunks of [B, 1, C]."""
        table = self.constant(name, self.weights[name][None])
        mods = self.op("Add", [table, mods])
        outputs = [f"{mods}_{row}" for row in range(rows)]
        self.nodes.append(helper.make_node("Split", [mods], outputs, name=f"Split_{mods}", axis=1, num_outputs=rows))
        return outputs

    def to_heads(self, x, length):
        x = self.reshape(x, self.batch, length, self.heads, -1)
        return self.op("Transpose", [x], perm=[0, 2, 1, 3])

    def attention(self, block, x, context, length, bias=None):
        """Of x over the K and V in `context`, which are projected already."""
        tokens = self.tokens
        q = self.linear(f"{block}.to_q", x, (self.batch, tokens))
        k, v = context
        if self.kind["attention"] == "fused":
            inputs = [q, k, v] + ([] if bias is None else ["", "", bias])
            out = self.op("MultiHeadAttention", inputs, domain="com.microsoft", num_heads=self.heads)
        else:
            q, v = self.to_heads(q, tokens), self.to_heads(v, length)
            k = self.op("Transpose", [self.reshape(k, self.batch, length, self.heads, -1)], perm=[0, 2, 3, 1])
            scale = self.scalar(1.0 / math.sqrt(self.config["attention_head_dim"]))
            scores = self.op("MatMul", [self.op("Mul", [q, scale]), k])
            scores = scores if bias is None else self.op("Add", [scores, bias])
            out = self.op("MatMul", [self.op("Softmax", [scores], axis=-1), v])
            out = self.reshape(self.op("Transpose", [out], perm=[0, 2, 1, 3]), self.batch, tokens, self.width)
        return self.linear(f"{block}.to_out.0", out, (self.batch, tokens))

    def prologue(self):
        """Timestep, text and mask to modulations, K and V of the prompt, and the bias of its padding: the inputs of `hoisted` variants."""
        n, c, t = self.batch, self.width, self.length
        half = WAVES // 2
        frequencies = np.exp(-math.log(10000) * np.arange(half, dtype=np.float32) / half)[None].astype(np.float32)
        angles = self.op("Mul", [self.reshape("timestep", n, 1), self.constant("frequencies", frequencies)])
        waves = self.op("Concat", [self.op("Cos", [angles]), self.op("Sin", [angles])], axis=1)
        embedder = "adaln_single.emb.timestep_embedder"
        x = self.silu(self.linear(f"{embedder}.linear_1", waves, (n,)))
        self.linear(f"{embedder}.linear_2", x, (n,), to="embedded")
        self.linear("adaln_single.linear", self.silu("embedded"), (n,), to="modulation")
        text = self.gelu(self.linear("caption_projection.linear_1", "text", (n, t)))
        text = self.linear("caption_projection.linear_2", text, (n, t))
        outputs = {"modulation": [n, 6 * c], "embedded": [n, c], "bias": [n, 1, 1, t]}
        for layer in range(self.layers):
            for which in "kv":
                name = f"{which}{layer}"
                self.linear(f"transformer_blocks.{layer}.attn2.to_{which}", text, (n, t), to=name)
                outputs[name] = [n, t, c]
        bias = self.op("Mul", [self.op("Sub", [self.scalar(1.0), "mask"]), self.scalar(MASKED)])
        self.reshape(bias, n, 1, 1, t, to="bias")
        return outputs

    def step(self, latents):
        """Latents, and what `prologue` gives, to `output`."""
        config, c, p = self.config, self.width, self.config["patch_size"]
        n, channels, height, width = latents
        rows, columns = height // p, width // p
        self.tokens = rows * columns
        proj = [self.constant(f"pos_embed.proj.{part}", self.weights[f"pos_embed.proj.{part}"]) for part in ("weight", "bias")]
        x = self.op("Conv", ["latents", *proj], kernel_shape=[p, p], strides=[p, p])
        x = self.op("Transpose", [self.reshape(x, n, c, self.tokens)], perm=[0, 2, 1])
        places = sincos(c, rows, columns, config["sample_size"] // p, config["interpolation_scale"])
        x = self.op("Add", [x, self.constant("pos_embed.table", places[None])])
        mods = self.reshape("modulation", n, 6, c)
        # MultiHeadAttention broadcasts the first two dimensions of its bias alone
        bias = "bias"
        if self.kind["attention"] == "fused":
            bias = self.op("Expand", ["bias", self.shape(n, 1, self.tokens, self.length)])
        for layer in range(self.layers):
            x = self.block(f"transformer_blocks.{layer}", x, mods, (f"k{layer}", f"v{layer}"), bias)
        shift, scale = self.table("scale_shift_table", 2, self.reshape("embedded", n, 1, c))
        x = self.modulate(self.norm(x, NORM_OUT_EPS), shift, scale)
        x = self.linear("proj_out", x, (n, self.tokens))
        x = self.reshape(x, n, rows, columns, p, p, channels)
        x = self.op("Transpose", [x], perm=[0, 5, 1, 3, 2, 4])
        self.reshape(x, *latents, to="output")

    def block(self, name, x, mods, prompt, bias):
        epsilon, sizes = self.config["norm_eps"], (self.batch, self.tokens)
        shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = self.table(f"{name}.scale_shift_table", 6, mods)
        normed = self.modulate(self.norm(x, epsilon), shift_msa, scale_msa)
        own = [self.linear(f"{name}.attn1.to_{which}", normed, sizes) for which in "kv"]
        attended = self.attention(f"{name}.attn1", normed, own, self.tokens)
        x = self.op("Add", [self.op("Mul", [gate_msa, attended]), x])
        x = self.op("Add", [self.attention(f"{name}.attn2", x, prompt, self.length, bias), x])
        normed = self.modulate(self.norm(x, epsilon), shift_mlp, scale_mlp)
        fed = self.gelu(self.linear(f"{name}.ff.net.0.proj", normed, sizes))
        fed = self.linear(f"{name}.ff.net.2", fed, sizes)
        return self.op("Add", [self.op("Mul", [gate_mlp, fed]), x])
