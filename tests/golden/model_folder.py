"""Opens a model folder with diffusers and transformers, every weight widened to float32.

The decoder is the one part those libraries have no class for: `TinyDecoder` builds it from vae/config.json."""
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import PixArtTransformer2DModel
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedTokenizerFast, T5EncoderModel

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
SHIPPED = ROOT / "models" / "emoji-mini"
SECOND = GOLDEN / "second"


class Clamp(nn.Module):
    """Soft clamp of the latent to (-magnitude, magnitude)."""

    def __init__(self, magnitude):
        super().__init__()
        self.magnitude = magnitude

    def forward(self, x):
        return torch.tanh(x / self.magnitude) * self.magnitude


class Block(nn.Module):
    """Three 3x3 convolutions and a residual; with `groups`, a normalised 1x1 bottleneck (`pool`) comes first."""

    def __init__(self, width, pool_width=0, groups=0):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        self.pool = None
        if groups:
            self.pool = nn.Sequential(
                nn.Conv2d(width, pool_width, 1, bias=False),
                nn.GroupNorm(groups, pool_width),
                nn.ReLU(),
                nn.Conv2d(pool_width, width, 1, bias=False),
            )

    def forward(self, x):
        if self.pool is not None:
            x = x + self.pool(x)
        return torch.relu(self.conv(x) + x)


class TinyDecoder(nn.Sequential):
    """`AutoencoderTinyFlux2`'s decoder (TAEF2 of madebyollin/taesd): one flat Sequential, so keys are `INDEX.…`.

    Clamp, conv, ReLU, then per resolution `num_decoder_blocks[i]` blocks (those of the lowest have the pool),
    with nearest upsampling by 2 and a conv without bias between resolutions, and a last conv to pixels."""

    def __init__(self, config):
        (width,) = set(config["block_out_channels"])
        layers = [Clamp(config["latent_magnitude"]), nn.Conv2d(config["latent_channels"], width, 3, padding=1), nn.ReLU()]
        for level, blocks in enumerate(config["num_decoder_blocks"]):
            if level:
                layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1, bias=False)]
            pool = () if level else (config["midblock_pool_channels"], config["midblock_norm_groups"])
            layers += [Block(width, *pool) for _ in range(blocks)]
        super().__init__(*layers, nn.Conv2d(width, config["out_channels"], 3, padding=1))


@dataclass
class ModelFolder:
    """The parts of a folder, in float32 and evaluation mode, and two of its configs as plain dicts."""

    tokenizer: PreTrainedTokenizerFast
    text_encoder: T5EncoderModel
    transformer: PixArtTransformer2DModel
    decoder: TinyDecoder
    vae_config: dict
    scheduler_config: dict

    def encode(self, prompts):
        """Token ids, mask and last hidden state of a list of prompts, padded to the tokenizer's `model_max_length`."""
        tokens = self.tokenizer(
            prompts,
            padding="max_length",
            truncation=True,
            max_length=self.tokenizer.model_max_length,
            return_tensors="pt",
        )
        text = self.text_encoder(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
        return tokens.input_ids, tokens.attention_mask, text.last_hidden_state

    def network(self, latents, timestep, text, mask):
        """One evaluation of the transformer, all of the batch at the same timestep."""
        return self.transformer(
            latents,
            encoder_hidden_states=text,
            encoder_attention_mask=mask,
            timestep=timestep.repeat(len(latents)),
            added_cond_kwargs={"resolution": None, "aspect_ratio": None},
        ).sample

    def decode(self, latents):
        """Latents to pixels in [0, 1]."""
        low, high = self.vae_config["sample_range"]
        pixels = self.decoder(latents / self.vae_config["scaling_factor"])
        return ((pixels - low) / (high - low)).clamp(0, 1)


def open_folder(folder):
    """Load a folder's parts in float32."""
    folder = Path(folder)
    vae_config = json.loads((folder / "vae" / "config.json").read_text())
    decoder = TinyDecoder(vae_config)
    weights = load_file(folder / "vae" / "taef2_decoder.safetensors")
    decoder.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return ModelFolder(
        tokenizer=PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer"),
        text_encoder=T5EncoderModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval(),
        transformer=PixArtTransformer2DModel.from_pretrained(folder / "transformer", torch_dtype=torch.float32).eval(),
        decoder=decoder.eval(),
        vae_config=vae_config,
        scheduler_config=json.loads((folder / "scheduler" / "scheduler_config.json").read_text()),
    )
