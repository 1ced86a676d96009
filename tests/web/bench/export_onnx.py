"""Exports emoji-mini's transformer to ONNX for the side-by-side with onnxruntime-web, and checks it with onnxruntime.

usage: python tests/web/bench/export_onnx.py [OUT]      (OUT: .cache/web-bench/models where absent)

Versions: Python 3.11, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6, safetensors 0.8.0 (requirements.txt; tests/web/bench/setup
makes the environment).

The graph is what an export of diffusers' PixArtTransformer2DModel gives for a guided step: batch 2 as [cond, uncond], latents
[2, 32, 16, 16], timestep [2], text [2, 16, 192] and its mask [2, 16], everything float32, shapes static, constants folded. It is
written with onnx.helper out of the safetensors, because PyTorch's exporter needs PyTorch. It differs from that exporter's output only
where that helps onnxruntime: LayerNormalization and Gelu are single nodes, and nothing of shape arithmetic is left.

Like every ordinary export, the graph projects the prompt (caption_projection, and K and V of each cross-attention) and the timestep
(adaln_single) in every step. onelaunch computes them once per image; so that the comparison can tell that apart, `hoisted` variants take them
as inputs and `prologue.onnx` computes them.

Variants, because different execution providers like different forms; the bench takes the fastest of each provider:
  linear     `matmul` (MatMul and Add on [2, T, C]) or `gemm` (Gemm with its bias on [2·T, C])
  attention  `plain` (MatMul, Softmax, MatMul, as exporters write it) or `fused` (com.microsoft.MultiHeadAttention, as onnxruntime's
             transformer optimiser makes of it)"""
import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from safetensors.numpy import load_file

from pixart_onnx import Network

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "models" / "emoji-mini"
TRAJECTORY = "ddim"  # of the golden: its first evaluation is the noise as it is, at timestep 999
VARIANTS = [("matmul", "plain"), ("gemm", "plain"), ("matmul", "fused"), ("gemm", "fused")]
LIMIT = 1e-4


def model(network, name, inputs, outputs):
    """A checked model of the nodes that were recorded."""
    values = lambda shapes: [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in shapes.items()]
    graph = helper.make_graph(network.nodes, name, values(inputs), values(outputs), network.constants)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="onelaunch export_onnx.py")
    onnx.checker.check_model(made)
    return made


def relative(got, expected):
    """Relative L2."""
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))


def run(path, feeds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    wanted = {one.name for one in session.get_inputs()}
    return dict(zip(names, session.run(names, {name: value for name, value in feeds.items() if name in wanted})))


def golden():
    """Inputs of the first evaluation, and what diffusers gave for it."""
    tensors = load_file(MODEL / "golden" / "emoji.safetensors")
    of = lambda name: tensors[f"{TRAJECTORY}.{name}"]
    feeds = {
        "latents": np.repeat(of("noise"), 2, axis=0),
        "timestep": np.repeat(of("timesteps")[:1], 2),
        "text": np.concatenate([of("text"), of("negative_text")]),
        "mask": np.concatenate([of("mask"), of("negative_mask")]),
    }
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in feeds.items()}, of("first_output")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", nargs="?", type=Path, default=ROOT / ".cache" / "web-bench" / "models")
    out = arguments.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    config = json.loads((MODEL / "transformer" / "config.json").read_text())
    weights = load_file(MODEL / "transformer" / "diffusion_pytorch_model.safetensors")
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    feeds, expected = golden()
    shapes = {name: list(value.shape) for name, value in feeds.items()}
    latents = shapes.pop("latents")

    prologue = Network(config, weights, shapes, linear="matmul", attention="plain")
    hoisted = prologue.prologue()
    onnx.save(model(prologue, "prologue", shapes, hoisted), out / "prologue.onnx")
    kept = run(out / "prologue.onnx", feeds)

    errors = {}
    for linear, attention in VARIANTS:
        whole = Network(config, weights, shapes, linear, attention)
        whole.prologue()
        whole.step(latents)
        step = Network(config, weights, shapes, linear, attention)
        step.step(latents)
        files = {f"{linear}-{attention}": (whole, {"latents": latents} | shapes), f"{linear}-{attention}-hoisted": (step, {"latents": latents} | hoisted)}
        for name, (network, inputs) in files.items():
            path = out / f"{name}.onnx"
            onnx.save(model(network, name, inputs, {"output": latents}), path)
            errors[name] = relative(run(path, feeds | kept)["output"], expected)
            print(f"{path.name}: {len(network.nodes)} nodes, {path.stat().st_size / 2**20:.1f} MiB, relative L2 to diffusers {errors[name]:.2e}")
    # what the page feeds and compares with, as plain little-endian float32
    arrays = feeds | kept | {"expected": expected}
    for name, value in arrays.items():
        (out / f"{name}.f32").write_bytes(np.ascontiguousarray(value, dtype="<f4").tobytes())
    facts = {
        "inputs": {"whole": sorted({"latents"} | set(shapes)), "hoisted": sorted({"latents"} | set(hoisted))},
        "shapes": {name: list(value.shape) for name, value in arrays.items()},
        "variants": [f"{linear}-{attention}" for linear, attention in VARIANTS],
        "errors": errors,
        "onnxruntime": onnxruntime.__version__,
        "onnx": onnx.__version__,
    }
    (out / "models.json").write_text(json.dumps(facts, indent=1) + "\n")
    worst = max(errors.values())
    if not worst <= LIMIT:
        raise SystemExit(f"relative L2 {worst:.2e} is above {LIMIT:.0e}: this is not the network of {MODEL.name}")


if __name__ == "__main__":
    main()
