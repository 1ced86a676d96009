"""Makes schedulers.safetensors: diffusers' own schedulers, driven with random network outputs, and torch's CPU noise.

Run:     python tests/golden/schedulers.py          (writes the file beside this script; a second run writes the same bytes)
Made with diffusers 0.42.1, torch 2.15.0, numpy 2.4.6, safetensors 0.8.0 (CPU, one thread).

Each case runs twice: as shipped, where diffusers computes in float32, and kept in float64. For the second run the names
`torch` and `np` inside the scheduler's module are replaced by proxies whose `float32` is `float64`, and torch's default
dtype is float64: every table, cast and temporary of the scheduler is then float64, and its code is untouched.

Tensors (S steps, E = 4 elements; all cases share the first three and are packed one after another in the others):
  start [E], outputs [50, E], noise [50, E]   float32: standard normal start, network output and noise draw of each step
  x32, x64 [sum of S+1, E]                    state before the first step and after each step
  t32 float32, t64 float64 [sum of S]         timesteps
  grid.<sampler>.<spacing> int16              timesteps of 1, 2, .. 100 steps packed (lcm: 1 .. 50)
  randn.<seed>.<C>x<H>x<W> [2, C, H, W]       two successive torch.randn draws of one generator
Metadata `json`: versions, and cases with sampler, steps, eta, config (the scheduler_config.json), init32, init64, at, xat.
"""

import importlib
import json
from pathlib import Path

import diffusers
import numpy as np
import safetensors
import torch
from safetensors.numpy import save_file

CLASSES = {
    "ddim": ("scheduling_ddim", "DDIMScheduler"),
    "euler": ("scheduling_euler_discrete", "EulerDiscreteScheduler"),
    "euler_a": ("scheduling_euler_ancestral_discrete", "EulerAncestralDiscreteScheduler"),
    "dpmpp_2m": ("scheduling_dpmsolver_multistep", "DPMSolverMultistepScheduler"),
    "lcm": ("scheduling_lcm", "LCMScheduler"),
}
SD_BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
SPACINGS = ("leading", "trailing", "linspace")
E, MOST_STEPS = 4, 50


class Proxy:
    """A module whose `float32` is `float64`; everything else is the module's own."""

    def __init__(self, module):
        self._module = module
        self.float32 = module.float64

    def __getattr__(self, name):
        return getattr(self._module, name)


def cases():
    """(sampler, steps, eta, config) of every case."""
    steps = [4, 5, 7, 10, 13, 20, 25, 30, 50]
    turn = 0

    def case(sampler, count=None, eta=0.0, **config):
        nonlocal turn
        turn += 1
        if sampler in ("ddim", "lcm"):
            config = {"clip_sample": False, **config}  # DDIM's class default would clip
        return sampler, count or steps[turn % len(steps)], eta, config

    for sampler in CLASSES:
        for prediction in ("epsilon", "v_prediction", "sample"):
            if sampler == "euler_a" and prediction == "sample":
                continue  # diffusers has none
            for spacing in SPACINGS if sampler != "lcm" else SPACINGS[:1]:
                grid = {"prediction_type": prediction, "timestep_spacing": spacing}
                yield case(sampler, **SD_BETAS, **grid)
                yield case(sampler, **SD_BETAS, **grid, steps_offset=1)
                if prediction != "epsilon":
                    yield case(sampler, **SD_BETAS, **grid, rescale_betas_zero_snr=True)
                if sampler == "ddim":
                    yield case(sampler, eta=1.0, **SD_BETAS, **grid)
                    yield case(sampler, eta=0.4, **SD_BETAS, **grid, set_alpha_to_one=False, steps_offset=1)
                    if prediction != "epsilon":
                        for eta in (0.7, 1.0):  # with eta 1 the shipped float32 is not always finite
                            yield case(sampler, eta=eta, **SD_BETAS, **grid, rescale_betas_zero_snr=True)
                        yield case(sampler, 50, 1.0, **SD_BETAS, **grid, rescale_betas_zero_snr=True)
                if sampler in ("euler", "dpmpp_2m"):
                    yield case(sampler, **SD_BETAS, **grid, use_karras_sigmas=True)
                    yield case(sampler, **SD_BETAS, **grid, final_sigmas_type="sigma_min")
                    yield case(sampler, **SD_BETAS, **grid, use_karras_sigmas=True, final_sigmas_type="sigma_min")
        for count in (1, 2, 3):  # the shortest, with every class default and linear betas
            yield case(sampler, count, beta_schedule="linear", beta_start=0.0001, beta_end=0.02)
        yield case(sampler)  # nothing stated: the class defaults
        yield case(sampler, 50, **SD_BETAS)
        yield case(sampler, 12, **SD_BETAS, num_train_timesteps=500, prediction_type="v_prediction")
    for spacing in SPACINGS:
        yield case("ddim", 48, 0.5, **SD_BETAS, timestep_spacing=spacing)
        for count in (14, 15):  # where lower_order_final changes its mind
            for more in ({}, {"lower_order_final": False}, {"euler_at_final": True}):
                grid = {"timestep_spacing": spacing, "final_sigmas_type": "sigma_min"}
                yield case("dpmpp_2m", count, **SD_BETAS, **grid, **more)
    yield case("euler", 12, **SD_BETAS, use_karras_sigmas=True, sigma_min=0.1, sigma_max=10.0)
    yield case("lcm", 8, **SD_BETAS, original_inference_steps=100, timestep_scaling=3.0)
    yield case("lcm", 6, set_alpha_to_one=False, original_inference_steps=30)


def drive(sampler, steps, eta, config, shared, double):
    """Runs one scheduler; returns its timesteps, initial sigma and states [steps + 1, E]."""
    module_name, class_name = CLASSES[sampler]
    module = importlib.import_module(f"diffusers.schedulers.{module_name}")
    kept = module.torch, module.np, module.randn_tensor
    dtype = torch.float64 if double else torch.float32
    drawn = iter(shared["noise"])
    module.randn_tensor = lambda *_, **__: torch.from_numpy(next(drawn)).to(dtype)
    if double:
        module.torch, module.np = Proxy(torch), Proxy(np)
        torch.set_default_dtype(torch.float64)
    try:
        scheduler = getattr(module, class_name)(**config)
        scheduler.set_timesteps(steps)
        init = float(scheduler.init_noise_sigma)
        x = torch.from_numpy(shared["start"]).to(dtype) * scheduler.init_noise_sigma
        states = [x]
        for t, output in zip(scheduler.timesteps, shared["outputs"]):
            scheduler.scale_model_input(x, t)  # what it returns the network would read
            extra = {"eta": eta} if sampler == "ddim" else {}
            x = scheduler.step(torch.from_numpy(output).to(dtype), t, x, **extra).prev_sample
            assert x.dtype == dtype, (sampler, x.dtype)
            states.append(x)
        assert len(states) == steps + 1, f"{sampler} {steps} {config}: {len(states) - 1} timesteps"
        return scheduler.timesteps.to(dtype).numpy(), init, torch.stack(states).numpy()
    finally:
        module.torch, module.np, module.randn_tensor = kept
        torch.set_default_dtype(torch.float32)


def grids():
    """Integer timesteps for every small number of steps: the roundings of numpy's arange and linspace.

    For 61 trailing steps (and 103, 121, ..) arange rounds to one value too many, and diffusers evaluates the network once
    more at timestep -1. That one is cut here: a schedule of S steps has S rows.
    """
    for sampler in ("ddim", "dpmpp_2m", "euler", "lcm"):
        module_name, class_name = CLASSES[sampler]
        cls = getattr(importlib.import_module(f"diffusers.schedulers.{module_name}"), class_name)
        for spacing in {"euler": ("leading", "trailing"), "lcm": ("leading",)}.get(sampler, SPACINGS):
            scheduler = cls(**SD_BETAS, timestep_spacing=spacing)
            packed = []
            for steps in range(1, 51 if sampler == "lcm" else 101):
                scheduler.set_timesteps(steps)
                timesteps = scheduler.timesteps.numpy().astype(np.int16)
                assert len(timesteps) == steps or timesteps[steps:].tolist() == [-1]
                packed.append(timesteps[:steps])
            yield f"grid.{sampler}.{spacing}", np.concatenate(packed)


def randn():
    """Two successive draws: sizes below 16 (scalar path), multiples of 16 and others (tail recomputed)."""
    for seed in (0, 42, 2**32 + 7):
        for c, h, w in ((1, 1, 5), (3, 1, 5), (1, 4, 4), (1, 1, 17), (4, 8, 8), (3, 5, 7)):
            generator = torch.Generator("cpu").manual_seed(seed)
            draws = [torch.randn(1, c, h, w, generator=generator)[0].numpy() for _ in range(2)]
            yield f"randn.{seed}.{c}x{h}x{w}", np.stack(draws)


def main():
    torch.set_num_threads(1)
    rng = np.random.Generator(np.random.PCG64(20240923))
    shared = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in
              (("start", E), ("outputs", (MOST_STEPS, E)), ("noise", (MOST_STEPS, E)))}
    listed, packed, at, xat = [], {"x32": [], "x64": [], "t32": [], "t64": []}, 0, 0
    for sampler, steps, eta, config in cases():
        t32, init32, x32 = drive(sampler, steps, eta, config, shared, double=False)
        t64, init64, x64 = drive(sampler, steps, eta, config, shared, double=True)
        for name, value in (("x32", x32), ("x64", x64), ("t32", t32), ("t64", t64)):
            packed[name].append(value)
        listed.append({"sampler": sampler, "steps": steps, "eta": eta, "init32": init32, "init64": init64,
                       "at": at, "xat": xat, "config": {"_class_name": CLASSES[sampler][1], **config}})
        at, xat = at + steps, xat + steps + 1
    tensors = {**shared, **{name: np.concatenate(values) for name, values in packed.items()}}
    tensors.update(grids())
    tensors.update(randn())
    versions = {m.__name__: m.__version__ for m in (diffusers, torch, np, safetensors)}
    text = json.dumps({"versions": versions, "cases": listed}, sort_keys=True)
    path = Path(__file__).with_suffix(".safetensors")
    save_file(tensors, path, metadata={"json": text})
    bad = [c["sampler"] + str(c["config"]) for c in listed
           if not np.isfinite(tensors["x64"][c["xat"]:c["xat"] + c["steps"] + 1]).all()]
    print(f"{path}: {len(listed)} cases, {path.stat().st_size} bytes; float64 not finite: {bad or 'none'}; {versions}")


if __name__ == "__main__":
    main()
