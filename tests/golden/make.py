"""Makes every golden file that the tests compare against, from diffusers, transformers and PyTorch.

usage: python make.py [schedulers] [second] [blocks]      (nothing named: all of them)

  schedulers  samplers driven through diffusers' own step()            see schedulers.py
  second      the model folder second/ and its second.safetensors      see second_model.py
  blocks      emoji_blocks.safetensors, of models/emoji-mini

Versions: Python 3.11, torch 2.15.0 (CPU), diffusers 0.42.1, transformers 5.23.0, tokenizers 0.23.3, safetensors 0.8.0.
In a scratch environment, from the root of the repository:

    python3 -m venv target/golden-venv
    target/golden-venv/bin/pip install -r tests/golden/requirements.txt
    target/golden-venv/bin/python tests/golden/make.py

Everything is seeded and runs in float32 on one thread, so a second run on one machine writes the same bytes; another CPU may
differ in the last bits. The goldens that ship with emoji-mini are made by models/emoji-mini/train/export.py."""
import json
import platform
import subprocess
import sys

import diffusers
import torch
import transformers
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler
from safetensors.torch import save_file

import second_model
from model_folder import GOLDEN, SECOND, SHIPPED, open_folder
from record import Recipe, decoder_blocks, network_blocks, text_blocks, trajectory

BOATS = ("Two green boats on a quiet lake, old painting", "blurry dark photo")
MADE_BY = (
    f"diffusers {diffusers.__version__}, transformers {transformers.__version__}, torch {torch.__version__} (CPU generator), "
    f"Python {platform.python_version()}, float32, weights loaded from the folder"
)


def schedulers():
    """Run schedulers.py in a process of its own: it patches diffusers' schedulers to compute in float64."""
    subprocess.run([sys.executable, str(GOLDEN / "schedulers.py")], check=True)
    (GOLDEN / "schedulers.safetensors").chmod(0o644)  # safetensors writes files that only their owner can read


def second():
    """Make the second model, then its blocks and three trajectories of a 96x160 picture."""
    second_model.make()
    model = open_folder(SECOND)
    shared = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "prediction_type", "timestep_spacing", "steps_offset")
    schedule = {key: model.scheduler_config[key] for key in shared}
    recipes = {
        "ddim": Recipe(DDIMScheduler.from_config(model.scheduler_config), 5, BOATS[0], "", 2.5, 11),
        "dpmpp_2m": Recipe(DPMSolverMultistepScheduler(**schedule, algorithm_type="dpmsolver++", solver_order=2), 6, *BOATS, 4.0, 12),
        "euler_a": Recipe(EulerAncestralDiscreteScheduler(**schedule), 5, "a small red house under the moon", "", 2.0, 13),
    }
    golden, init = {}, {}
    for name, recipe in recipes.items():
        recorded = trajectory(model, recipe, (1, 8, 12, 20))
        init[name] = float(recipe.scheduler.init_noise_sigma)
        golden |= {f"{name}.{key}": value for key, value in recorded.items()}
    timestep, latents = golden["ddim.timesteps"][:1].long(), golden["ddim.latents"][-1:]
    golden |= blocks_of(model, [BOATS[0], ""], golden["ddim.noise"], timestep, latents, [0, 1, 3, 4, 6])
    write(
        GOLDEN / "second.safetensors",
        golden,
        model="second",
        picture={"width": 160, "height": 96},
        blocks={"prompts": [BOATS[0], ""], "row": "the first evaluation of ddim", "decoder": "the last latents of ddim"},
        trajectories={name: recipe.describe() | {"init_noise_sigma": init[name]} for name, recipe in recipes.items()},
    )


def blocks():
    """The blocks of the shipped model: 'a red apple' at the first step, and the decoder on a latent of its own making."""
    model = open_folder(SHIPPED)
    noise = torch.randn((1, 32, 16, 16), generator=torch.Generator().manual_seed(7))
    scheduler = DPMSolverMultistepScheduler.from_config(model.scheduler_config)
    recipe = Recipe(scheduler, 8, "a red apple", "", 3.0, 7)
    latents = trajectory(model, recipe, noise.shape)["latents"][-1:]
    golden = blocks_of(model, ["a red apple", ""], noise, torch.tensor([999]), latents, [1, 3, 4, 5])
    write(
        GOLDEN / "emoji_blocks.safetensors",
        golden,
        model="emoji-mini",
        picture={"width": 128, "height": 128},
        blocks={"prompts": ["a red apple", ""], "row": "noise of seed 7 at timestep 999", "decoder": recipe.describe()},
    )


@torch.no_grad()
def blocks_of(model, prompts, noise, timestep, latents, layers):
    """Every block of a model's three parts, named `blocks.…`."""
    text = text_blocks(model, prompts)
    network = network_blocks(model, noise, timestep, text["text"], text["mask"])
    named = text | network | decoder_blocks(model, latents, layers)
    return {f"blocks.{name}": value for name, value in named.items()}


def write(path, golden, **metadata):
    """Check that nothing is NaN, infinite or idle, then write one file with its description."""
    for name, tensor in golden.items():
        if not torch.isfinite(tensor).all():
            raise SystemExit(f"{name} is not finite: not written")
        if tensor.numel() > 1 and tensor.is_floating_point() and tensor.std() < 1e-3:
            raise SystemExit(f"{name} is nearly constant and would test nothing: not written")
    facts = {"layout": "NCHW", "batch": "cond, uncond", "made_by": MADE_BY} | metadata
    # one key: safetensors writes several in a random order
    text = {"json": json.dumps(facts, sort_keys=True)}
    save_file({name: tensor.contiguous().clone() for name, tensor in golden.items()}, path, metadata=text)
    path.chmod(0o644)  # safetensors writes files that only their owner can read
    print(f"{path.name}: {len(golden)} tensors, {path.stat().st_size / 2**20:.2f} MiB")


COMMANDS = {"schedulers": schedulers, "second": second, "blocks": blocks}

if __name__ == "__main__":
    torch.set_num_threads(1)
    unknown = [name for name in sys.argv[1:] if name not in COMMANDS]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; known: {', '.join(COMMANDS)}")
    for command in sys.argv[1:] or COMMANDS:
        COMMANDS[command]()
