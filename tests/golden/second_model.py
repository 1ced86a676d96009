"""Makes tests/golden/second: the shipped model's classes with random weights and every size and setting different.

It exists so that nothing in the runtime is fitted to the shipped model: other depths, heads, widths, patch, channels, weight
types, scheduler, pixel range and text length, norm epsilons large enough to show, a sharded transformer, and no `onelaunch` entry."""
import json
import math
import shutil
import string
import zlib

import torch
from diffusers import DDIMScheduler, PixArtTransformer2DModel
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from model_folder import SECOND, TinyDecoder

TOKENS = 24
SEED = 20
WORDS = """a an the of on in at and with under over old new small big red green blue grey golden quiet windy boat boats lake
river mountain forest house tree cloud morning evening snow rain moon stone bridge light painting photo drawing style water
two three bird fish flower garden window road hill sea blur blurry dark noise low quality""".split()
SUFFIXES = "s es ed ing er ly y 's".split()

VAE = {
    "_class_name": "AutoencoderTinyFlux2",
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 8,
    "block_out_channels": [32, 32, 32, 32],
    "num_encoder_blocks": [1, 1, 3, 2],
    "num_decoder_blocks": [2, 3, 1, 1],
    "midblock_pool_channels": 96,
    "midblock_norm_groups": 3,
    "latent_magnitude": 4,
    "scaling_factor": 3.2,
    "sample_range": [-1, 1],
}


def tokenizer():
    """A Unigram vocabulary written down here, not trained: whole words, a few endings, letters. `q`, `z` and digits are unknown."""
    letters = [c for c in string.ascii_letters if c not in "qzQZ"] + list(",.'-\u2581")
    pieces = ["\u2581" + word for word in WORDS] + SUFFIXES
    pieces += [letter for letter in letters if letter not in pieces]
    scores = [(piece, round(-2.0 - 0.04 * index - (4.0 if len(piece) == 1 else 0.0), 4)) for index, piece in enumerate(pieces)]
    built = Tokenizer(models.Unigram([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *scores], unk_id=2))
    built.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()])
    built.pre_tokenizer, built.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    built.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=built, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=TOKENS
    )


def text_encoder(vocabulary):
    """T5 of 2 layers; the heads (3 x 24) are wider than the model, and the position buckets are few enough to saturate."""
    config = T5Config(
        vocab_size=vocabulary,
        d_model=64,
        d_kv=24,
        d_ff=96,
        num_layers=2,
        num_heads=3,
        feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=16,
        relative_attention_max_distance=20,
        layer_norm_epsilon=1e-2,
        dropout_rate=0.0,
        is_encoder_decoder=False,
        use_cache=False,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    return T5EncoderModel(config)


def transformer():
    """PixArt of 3 layers, 3 heads of 24, patch 1: a 96x160 picture is 240 tokens."""
    return PixArtTransformer2DModel(
        num_attention_heads=3,
        attention_head_dim=24,
        in_channels=8,
        out_channels=8,
        num_layers=3,
        dropout=0.0,
        cross_attention_dim=72,
        attention_bias=True,
        sample_size=20,
        patch_size=1,
        activation_fn="gelu-approximate",
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        norm_eps=1e-2,
        interpolation_scale=2,
        use_additional_conditions=False,
        caption_channels=64,
    )


def scheduler():
    """Epsilon prediction on linear betas, `leading` spacing with an offset and `set_alpha_to_one` off, as Stable Diffusion 1 has."""
    return DDIMScheduler(
        beta_start=0.0001,
        beta_end=0.02,
        beta_schedule="linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="epsilon",
        timestep_spacing="leading",
    )


def spread(name, shape, config):
    """Offset and standard deviation of a random tensor, chosen so that activations stay near 1 and nothing is idle."""
    fan_in = math.prod(shape[1:]) or 1
    linear = fan_in**-0.5
    rules = [
        ("norm.weight", 1.0, 0.2),  # T5's RMS norms
        ("pool.1.weight", 1.0, 0.2),  # GroupNorm
        ("bias.weight", 0.0, 0.7),  # T5's relative position bias
        ("shared.weight", 0.0, 1.0),
        ("SelfAttention.q.weight", 0.0, 1.5 * linear * config["d_kv"] ** -0.5),  # T5 does not scale its scores
        ("wo.weight", 0.0, 2.0 * linear),
        ("scale_shift_table", 0.0, 0.4),
        ("adaln_single.linear.weight", 0.0, 0.6 * linear),
        ("to_q.weight", 0.0, 1.6 * linear),
        ("pool.3.weight", 0.0, 0.4 * linear),
        ("conv.4.weight", 0.0, 0.6 * linear),
        ("conv.0.weight", 0.0, 1.2 * linear),
        ("conv.2.weight", 0.0, 1.2 * linear),
        (".bias", 0.0, 0.1),
    ]
    return next(((offset, deviation) for end, offset, deviation in rules if name.endswith(end)), (0.0, linear))


@torch.no_grad()
def randomise(module, config):
    """Fill every parameter from a stream of its own, seeded by its name.

    Uniform, not normal: PyTorch's uniform draw is the same bits on every CPU, its normal draw is not."""
    for name, parameter in module.named_parameters():
        generator = torch.Generator().manual_seed(SEED + zlib.crc32(name.encode()))
        offset, deviation = spread(name, parameter.shape, config)
        draw = torch.rand(parameter.shape, generator=generator, dtype=torch.float64) * 2 - 1
        parameter.copy_(offset + deviation * math.sqrt(3) * draw)
    return module


@torch.no_grad()
def lean_towards_noise(network):
    """Make the output resemble the input, as a noise prediction does; otherwise the latents would grow without bound."""
    inverse = torch.linalg.pinv(network.pos_embed.proj.weight.flatten(1))
    network.pos_embed.proj.weight.mul_(3)
    network.proj_out.weight.mul_(0.25).add_(inverse)


@torch.no_grad()
def make():
    """Write the folder anew."""
    shutil.rmtree(SECOND, ignore_errors=True)
    (SECOND / "vae").mkdir(parents=True)
    tokens = tokenizer()
    encoder = text_encoder(len(tokens))
    t5 = encoder.config.to_dict()
    network = randomise(transformer(), t5)
    lean_towards_noise(network)
    tokens.save_pretrained(SECOND / "tokenizer")
    randomise(encoder, t5).save_pretrained(SECOND / "text_encoder")
    network.bfloat16().save_pretrained(SECOND / "transformer", max_shard_size="400KB")
    scheduler().save_pretrained(SECOND / "scheduler")
    decoder = randomise(TinyDecoder(VAE), t5)
    decoder[-1].weight.mul_(0.5)  # few pixels may clip
    weights = {name: tensor.half().contiguous() for name, tensor in decoder.state_dict().items()}
    save_file(weights, SECOND / "vae" / "taef2_decoder.safetensors", metadata={"format": "pt"})
    write_json(SECOND / "vae" / "config.json", VAE)
    write_json(
        SECOND / "model_index.json",
        {
            "_class_name": "PixArtAlphaPipeline",
            "_diffusers_version": "0.42.1",
            "scheduler": ["diffusers", "DDIMScheduler"],
            "text_encoder": ["transformers", "T5EncoderModel"],
            "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
            "transformer": ["diffusers", "PixArtTransformer2DModel"],
            "vae": ["onelaunch", "AutoencoderTinyFlux2"],
        },
    )
    for file in SECOND.rglob("*.safetensors"):
        file.chmod(0o644)  # safetensors writes files that only their owner can read


def write_json(path, value):
    """One indented JSON file with a newline at its end."""
    path.write_text(json.dumps(value, indent=1) + "\n")
