"""Write tests/contract/goldens/: the facts that the contract tests hold the model zoo against.

    python tools/record_goldens.py reference FOLDER   # facts recorded from the upstream networks, one folder per model
    python tools/record_goldens.py torchvision        # runs torchvision's own video networks (it must be installed)

resnet3d_18, resnet3d_34_2020, resnext3d_101 and densenet3d_121 were recorded by `execution` from their publisher's
classes, which no package has. (densenet3d_121: with `norm.1` spelled `norm1`, since torch takes no dots any more.)

Each file holds, for one network: parameters, multiply-adds in 1e9 (`gflops`), the ordered state dict, the convolutions
in the order of execution, the kinds of norm, the gain of the weight formula (tests/contract/formula.py), and `cases`:
an input shape, a mode and the summaries of what the network computes from it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

Shape = tuple[int, ...]

ROOT = Path(__file__).resolve().parents[1]
GOLDENS = ROOT / "tests" / "contract" / "goldens"
LAYER_FACTS = ("name", "type", "in", "out", "kernel", "stride", "padding", "groups", "bias", "output_shape")
TORCHVISION = {"r3d_18": 112, "mc3_18": 112, "r2plus1d_18": 112, "s3d": 224}
TORCHVISION_TAPS = {
    "r3d_18": ("stem.0", "layer2.0.downsample.0", "layer3.1.conv1.0", "layer4.1.conv2.0"),
    "mc3_18": ("stem.0", "layer2.0.downsample.0", "layer3.1.conv1.0", "layer4.1.conv2.0"),
    "r2plus1d_18": ("stem.3", "layer2.0.conv1.0.0", "layer3.1.conv1.0.3", "layer4.1.conv2.0.3"),
    "s3d": ("features.0.1.0", "features.6.branch2.1.1.0", "features.12.branch3.1.0", "classifier.1"),
}
# Keeps the logits finite and apart from each other.
TORCHVISION_GAIN = 0.8


def main() -> None:
    """Run the subcommand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("reference").add_argument("folder", type=Path)
    commands.add_parser("torchvision")
    arguments = parser.parse_args()
    GOLDENS.mkdir(parents=True, exist_ok=True)
    records = reference_records(arguments.folder) if arguments.command == "reference" else torchvision_records()
    for record in records:
        path = GOLDENS / f"{record['model']}.json"
        path.write_text(dumps(record), encoding="utf-8")
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB")


def dumps(record: dict[str, Any]) -> str:
    """Return the record as JSON with one line per entry of a list, so that a change shows as a line."""
    lines = []
    for name, value in record.items():
        if isinstance(value, list) and name not in ("input", "encodings"):
            entries = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in value)
            lines.append(f'"{name}":[\n{entries}]')
        else:
            lines.append(f'"{name}":{json.dumps(value, separators=(",", ":"))}')
    return "{" + ",\n".join(lines) + "}\n"


def reference_records(folder: Path) -> list[dict[str, Any]]:
    """Return the records of a folder with manifest.json and golden.json per model."""
    records = []
    for place in sorted(path.parent for path in folder.glob("*/manifest.json")):
        manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
        golden = json.loads((place / "golden.json").read_text(encoding="utf-8"))
        records.append(_record(manifest["model"], manifest, manifest, golden))
        for name, variant in manifest.get("variants", {}).items():
            records.append(_record(name, manifest, variant, golden["variants"][name]))
    return records


def _record(name: str, source: dict[str, Any], facts: dict[str, Any], golden: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "model": name,
        "source": f"{source['upstream']} at {source['upstream_commit']}, {source['source_file']}",
        "parameters": facts["parameters"],
        "gflops": facts["gflops"],
        "input": source["input"]["shape"],
        "norm_layers": facts["norm_layers"],
        "state_dict": [[key, shape] for key, shape, _ in facts["state_dict"]],
        "layers": [_layer(layer) for layer in facts["layers"]],
        "gain": golden["gain"],
        "cases": [_case(golden)],
    }
    record["cases"] += [_case(extra) for extra in golden.get("extra", [])]
    if "train_mode" in golden:
        record["cases"].append(_case(golden["train_mode"], mode="train"))
    if "encodings" in golden:
        record["encodings"] = golden["encodings"]["values_flattened"]
    if "caffe2_blobs" in source["checkpoint"]:
        record["caffe2_blobs"] = source["checkpoint"]["caffe2_blobs"]
    if "piergiaj_to_hassony2" in source:
        record["piergiaj"] = source["piergiaj_to_hassony2"]["pairs"]
    return record


def _layer(layer: dict[str, Any]) -> dict[str, Any]:
    facts = {name: layer[name] for name in LAYER_FACTS}
    if "effective_padding" in layer:
        facts["effective_padding"] = layer["effective_padding"]
    return facts


def _case(golden: dict[str, Any], mode: str = "eval") -> dict[str, Any]:
    case = {"input_shape": golden["input_shape"], "mode": mode, "outputs": golden["outputs"]}
    modules = golden.get("intermediates", []) + golden.get("other_intermediates", [])
    case["modules"] = {module["name"]: {k: v for k, v in module.items() if k != "name"} for module in modules}
    if "running_statistics_after_one_forward" in golden:
        case["running_statistics"] = golden["running_statistics_after_one_forward"]
    return case


def torchvision_records() -> list[dict[str, Any]]:
    """Return the records of torchvision's video networks, computed by torchvision itself."""
    import torchvision

    records = []
    for name, size in TORCHVISION.items():
        weights = torchvision.models.get_model_weights(name).DEFAULT
        source = f"torchvision {torchvision.__version__.split('+')[0]}"
        facts = {"model": name, "source": source, "gflops": weights.meta["_ops"]}
        # Half the height at 112, to keep the test short; S3D's pool needs all of its 224.
        shapes = (1, 3, 16, size, size), (2, 3, 16, size // 2 if size == 112 else size, size)
        module = getattr(torchvision.models.video, name)(weights=None)
        records.append(facts | execution(module, TORCHVISION_GAIN, *shapes, TORCHVISION_TAPS[name]))
    return records


def execution(module: Any, gain: float, native: Shape, reduced: Shape, taps: tuple[str, ...]) -> dict[str, Any]:
    """Return what a network with the formula's weights computes, and its facts at the native shape."""
    import torch
    from torch import nn

    sys.path.insert(0, str(ROOT / "tests" / "contract"))
    import formula

    formula.fill(module, gain)
    layers: list[dict[str, Any]] = []
    hooks = [
        part.register_forward_hook(lambda part, _, out, at=at: layers.append(_conv_facts(at, part, out)))
        for at, part in module.named_modules()
        if isinstance(part, nn.Conv3d)
    ]
    with torch.no_grad():
        module(torch.zeros(native))
    for hook in hooks:
        hook.remove()
    taken: dict[str, Any] = {}
    for tap in taps:
        # Summed up at once: the activations that follow are in place.
        module.get_submodule(tap).register_forward_hook(
            lambda _part, _input, out, tap=tap: taken.update({tap: formula.summary(out, 8)})
        )
    with torch.no_grad():
        logits = module(formula.clip(reduced))
    norms = {(type(part).__name__, part.eps) for part in module.modules() if isinstance(part, nn.BatchNorm3d)}
    case = {
        "input_shape": list(reduced),
        "mode": "eval",
        "outputs": {"logits": formula.summary(logits, 32)},
        "modules": taken,
    }
    return {
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "input": list(native),
        "norm_layers": [{"type": kind, "eps": eps} for kind, eps in sorted(norms)],
        "state_dict": [[key, list(value.shape)] for key, value in module.state_dict().items()],
        "layers": layers,
        "gain": gain,
        "cases": [case],
    }


def _conv_facts(name: str, part: Any, output: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "Conv3d",  # torchvision has subclasses of its own
        "in": part.in_channels,
        "out": part.out_channels,
        "kernel": list(part.kernel_size),
        "stride": list(part.stride),
        "padding": list(part.padding),
        "groups": part.groups,
        "bias": part.bias is not None,
        "output_shape": list(output.shape),
    }


if __name__ == "__main__":
    main()
