"""Times the shipped model's default recipe in PyTorch eager float32 on one thread, as a user of diffusers would write it.

usage: python bench_torch.py [--model DIR] [--rounds N] [--against "CMD"]

One image: tokenize and encode the prompt and the empty prompt once, 20 steps of dpmpp_2m with guidance 3.5 as one batch of
[cond, uncond], decode, 128x128; loading is not timed, one image before the first timed one warms everything up.

`--against` alternates: one timed image here, one run of CMD, N times. CMD is run by the shell with RAYON_NUM_THREADS=1 and must
print a JSON object with a number `total_ms`: the time of one warm image. `ratio` is its best over PyTorch's best.

Prints one JSON object. Environment: see make.py."""
import argparse
import json
import os
import platform
import subprocess
import time

# Before torch starts its pools: one thread is the promise of the comparison.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
from diffusers import DPMSolverMultistepScheduler

from model_folder import SHIPPED, open_folder

PROMPT, STEPS, GUIDANCE, SIZE, SEED = "a red apple", 20, 3.5, 128, 7


@torch.inference_mode()
def image(model, scheduler):
    """Make one image; returns its pixels and the seconds of text encoding, of the steps and of decoding."""
    marks = [time.perf_counter()]
    _, mask, text = model.encode([PROMPT, ""])
    scheduler.set_timesteps(STEPS)
    latents = torch.randn((1, 32, SIZE // 8, SIZE // 8), generator=torch.Generator().manual_seed(SEED))
    latents = latents * scheduler.init_noise_sigma
    marks.append(time.perf_counter())
    for timestep in scheduler.timesteps:
        batch = scheduler.scale_model_input(torch.cat([latents, latents]), timestep)
        cond, uncond = model.network(batch, timestep, text, mask).chunk(2)
        latents = scheduler.step(uncond + GUIDANCE * (cond - uncond), timestep, latents).prev_sample
    marks.append(time.perf_counter())
    pixels = model.decode(latents)
    marks.append(time.perf_counter())
    return pixels, [end - start for start, end in zip(marks, marks[1:])]


def timed(model, scheduler):
    """The milliseconds of one image and of its parts."""
    pixels, (text, steps, decode) = image(model, scheduler)
    if not torch.isfinite(pixels).all() or pixels.std() < 0.05:
        raise SystemExit("PyTorch made no picture: its time means nothing")
    return {
        "total_ms": 1e3 * (text + steps + decode),
        "text_ms": 1e3 * text,
        "step_ms": 1e3 * steps / STEPS,
        "decode_ms": 1e3 * decode,
    }


def theirs(command):
    """Run the other side once and return its `total_ms`."""
    environment = os.environ | {"RAYON_NUM_THREADS": "1"}
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"`{command}` exited {done.returncode}: {done.stderr.strip()[-2000:]}")
    try:
        report, _ = json.JSONDecoder().raw_decode(done.stdout, done.stdout.find("{"))
        total = report.get("total_ms")
    except ValueError:
        total = None
    if not isinstance(total, (int, float)) or not total > 0:
        raise SystemExit(f"`{command}` printed no JSON object with a positive `total_ms`")
    return float(total)


def processor():
    """The processor's name, for the record."""
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", default=str(SHIPPED), help="a model folder of emoji-mini's classes")
    arguments.add_argument("--rounds", type=int, default=5, help="how many images of each side; the best counts")
    arguments.add_argument("--against", metavar="CMD", help="a command to alternate with")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    model = open_folder(given.model)
    scheduler = DPMSolverMultistepScheduler.from_pretrained(given.model, subfolder="scheduler")
    image(model, scheduler)
    ours, others = [], []
    for _ in range(given.rounds):
        ours.append(timed(model, scheduler))
        if given.against:
            others.append(theirs(given.against))
    best = min(ours, key=lambda run: run["total_ms"])
    report = {
        "recipe": f"{STEPS} steps of dpmpp_2m, guidance {GUIDANCE}, {SIZE}x{SIZE}, float32, 1 thread, best of {given.rounds}",
        "processor": processor(),
        "torch": best | {"version": torch.__version__, "all_ms": [run["total_ms"] for run in ours]},
    }
    if others:
        report["against"] = {"command": given.against, "total_ms": min(others), "all_ms": others}
        report["ratio"] = min(others) / best["total_ms"]
    print(json.dumps(rounded(report), indent=1))


def rounded(value):
    """Three decimals are more than the clock is good for."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
