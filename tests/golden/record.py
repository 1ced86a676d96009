"""Records what a model does: every block of one network evaluation, and whole sampler trajectories.

Everything here returns plain dicts of float32 or int32 tensors (timesteps float64) under the names that README.md lists."""
import inspect
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from diffusers.schedulers import scheduling_ddim, scheduling_euler_ancestral_discrete


@dataclass
class Recipe:
    """One trajectory: a scheduler and what to ask of it."""

    scheduler: object
    steps: int
    prompt: str
    negative: str
    guidance: float
    seed: int
    step_arguments: dict = field(default_factory=dict)

    def describe(self):
        """The recipe as metadata: what another implementation needs in order to repeat it."""
        keys = ("steps", "prompt", "negative", "guidance", "seed")
        return {key: getattr(self, key) for key in keys} | self.step_arguments | {
            "scheduler": type(self.scheduler).__name__,
        }


@contextmanager
def drawn_noise():
    """Collects every noise tensor that a diffusers scheduler draws inside `step()`, in order."""
    drawn = []
    modules = (scheduling_ddim, scheduling_euler_ancestral_discrete)
    originals = [module.randn_tensor for module in modules]

    def recording(draw):
        def wrapper(*args, **kwargs):
            drawn.append(draw(*args, **kwargs))
            return drawn[-1]

        return wrapper

    for module, original in zip(modules, originals):
        module.randn_tensor = recording(original)
    try:
        yield drawn
    finally:
        for module, original in zip(modules, originals):
            module.randn_tensor = original


@contextmanager
def outputs_of(modules):
    """Collects the (first) output of each named module, into a dict that fills while the block runs."""
    kept = {}

    def keep(name):
        def hook(_module, _inputs, output):
            kept[name] = output.clone() if torch.is_tensor(output) else [part.clone() for part in output if torch.is_tensor(part)]

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def trajectory(model, recipe, latent_shape):
    """Run a recipe as diffusers' pipelines do, guidance as one batch of [cond, uncond], on PyTorch's CPU noise."""
    scheduler, generator = recipe.scheduler, torch.Generator().manual_seed(recipe.seed)
    ids, mask, text = model.encode([recipe.prompt, recipe.negative])
    scheduler.set_timesteps(recipe.steps)
    noise = torch.randn(latent_shape, generator=generator)
    latents, kept, first_output = noise * scheduler.init_noise_sigma, [], None
    arguments = dict(recipe.step_arguments)
    if "generator" in inspect.signature(scheduler.step).parameters:
        arguments["generator"] = generator
    with drawn_noise() as drawn:
        for timestep in scheduler.timesteps:
            batch = scheduler.scale_model_input(torch.cat([latents, latents]), timestep)
            output = model.network(batch, timestep, text, mask)
            first_output = output if first_output is None else first_output
            cond, uncond = output.chunk(2)
            guided = uncond + recipe.guidance * (cond - uncond)
            latents = scheduler.step(guided, timestep, latents, **arguments).prev_sample
            kept.append(latents)
    golden = {
        "ids": ids[:1].int(),
        "mask": mask[:1].int(),
        "text": text[:1],
        "negative_ids": ids[1:].int(),
        "negative_mask": mask[1:].int(),
        "negative_text": text[1:],
        "noise": noise,
        "timesteps": scheduler.timesteps.double(),
        "first_output": first_output,
        "latents": torch.cat(kept),
        "image": model.decode(latents)[0],
    }
    if drawn:
        golden["step_noise"] = torch.cat(drawn)
    return golden


@torch.no_grad()
def text_blocks(model, prompts):
    """Ids, mask, the embedding, the output of every T5 block and the final output, one batch row per prompt."""
    encoder = model.text_encoder.encoder
    watched = {"embed": encoder.embed_tokens}
    watched |= {str(index): block for index, block in enumerate(encoder.block)}
    with outputs_of(watched) as kept:
        ids, mask, text = model.encode(prompts)
    blocks = {f"text_encoder.{name}": first(output) for name, output in kept.items()}
    return {"ids": ids.int(), "mask": mask.int(), "text": text} | blocks


@torch.no_grad()
def network_blocks(model, latents, timestep, text, mask):
    """Every stage of one evaluation of the transformer on a batch of equal latents.

    What is the same for every row (position embedding, timestep) is stored once."""
    network = model.transformer
    watched = {"pos_embed": network.pos_embed, "adaln": network.adaln_single, "caption": network.caption_projection}
    watched |= {str(index): block for index, block in enumerate(network.transformer_blocks)}
    with outputs_of(watched) as kept:
        output = model.network(latents.expand(len(text), -1, -1, -1), timestep, text, mask)
    modulation, embedded = kept.pop("adaln")
    named = {
        "noise": latents,
        "timestep": timestep.double().reshape(1),
        "transformer.pos_embed": kept.pop("pos_embed")[:1],
        "transformer.adaln": modulation[:1],
        "transformer.embedded_timestep": embedded[:1],
        "transformer.caption": kept.pop("caption"),
    }
    named |= {f"transformer.{name}": first(value) for name, value in kept.items()}
    return named | {"transformer.output": output}


@torch.no_grad()
def decoder_blocks(model, latents, layers):
    """The output of the named layers of the decoder, and the raw last output (before clamping, in `sample_range`)."""
    with outputs_of({str(index): model.decoder[index] for index in layers}) as kept:
        output = model.decoder(latents / model.vae_config["scaling_factor"])
    named = {f"decoder.{name}": value for name, value in kept.items()}
    return {"decoder.latents": latents} | named | {"decoder.output": output}


def first(output):
    """A module's hidden states: T5 blocks return a tuple that begins with them."""
    return output if torch.is_tensor(output) else output[0]
