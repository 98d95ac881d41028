"""The table of the README: what each part found on the named device, or that it was not measured yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any

from benchmarks.gpu import equality, pyramids, shares, throughput
from reportgen.networks.speed.quick_copy import LEAST_COSINE
from reportgen.zoo.cards import default_zoo

UNKNOWN = "not measured yet"
Cases = Mapping[str, Mapping[str, Any]]
Line = tuple[str, str, str]


def table(document: Mapping[str, Any] | None) -> str:
    """Return a Markdown table of a call's JSON, or of the questions alone."""
    device = document["machine"]["device"] if document else UNKNOWN
    if document and document["smoke"]:
        device += ", smoke: the parts run, the figures say nothing"
    lines = [f"| on a GPU: {device} | aim | measured |", "| --- | --- | --- |"]
    for part, rows in _PARTS.items():
        kept = document["parts"].get(part, {}) if document else {}
        cases = {name: found for name, found in kept.get("cases", {}).items() if "failed" not in found}
        lines += [f"| {question} | {aim} | {measured or UNKNOWN} |" for question, aim, measured in rows(cases)]
    known = document["parts"].items() if document else ()
    peaks = [f"{part} {kept['peak_memory']:.1f}" for part, kept in known if kept.get("peak_memory")]
    lines.append(f"| most memory of each part, GiB | | {', '.join(peaks) or UNKNOWN} |")
    return "\n".join(lines)


def _equality(cases: Cases) -> Iterator[Line]:
    searched = [found for found in cases.values() if "apart" in found]
    largest = max((found["apart"] for found in searched), default=None)
    measured = "" if largest is None else f"{largest:.1g} on {len(searched)} layers"
    yield "activation of the same clip, apart from the CPU's, as a share", f"at most {equality.WITHIN:g}", measured
    for way, least in (("float32", equality.LEAST_LIKENESS), ("mixed", LEAST_COSINE)):
        lowest = min((found["gradients"][way] for found in searched), default=None)
        measured = "" if lowest is None else f"{lowest:.4f}"
        yield f"cosine of its gradient in {way} with the CPU's in float32", f"at least {least:g}", measured
        shares = sorted(
            there / here
            for found in searched
            for there, here in zip(found["reached"][way], found["cpu"], strict=True)
            if here > 0
        )
        measured = f"{median(shares):.3f} ({shares[0]:.3f} to {shares[-1]:.3f})" if shares else ""
        yield f"activation that a search in {way} reaches, over the CPU's: median", "about 1", measured
    looked = [fault for found in cases.values() if "faults" in found for fault in found["faults"].values()]
    wrong = [fault for fault in looked if fault]
    measured = f"{len(wrong)} of {len(looked)}" + (f": {wrong[0]}" if wrong else "")
    yield "shapes of convolution whose bfloat16 is not to be trusted", "none", measured if looked else ""


def _shares(cases: Cases) -> Iterator[Line]:
    for model in ("c3d", "i3d_r50"):
        own = {name.split(" ")[1]: found["share"] for name, found in cases.items() if name.startswith(f"{model} ")}
        measured = ", ".join(f"{layer.split('.')[0]} {share:.0%}" for layer, share in own.items())
        aim = f"at least {shares.TARGET:.0%} in middle and deep ones"
        yield f"share of the measured peak, stages of {model}", aim, measured


def _throughput(cases: Cases) -> Iterator[Line]:
    done, wanted = (sum(found[name] for found in cases.values()) for name in ("kernels run", "kernels"))
    minutes = f"{60 * sum(found['hours'] for found in cases.values()):.1f} min ({done:,} of {wanted:,} kernels run)"
    stages = default_zoo().find(throughput.MODEL).card.stages
    missing = [stage.layer.split(".")[0] for stage in stages if stage.layer not in cases]
    if missing and cases:
        minutes = (
            f"{', '.join(name.split('.')[0] for name in cases)} alone: {minutes}; not measured: {', '.join(missing)}"
        )
    question = f"all kernels of {throughput.MODEL}'s stages, decomposition included"
    yield question, f"at most {60 * throughput.TARGET:.0f} min", minutes if cases else ""


def _pyramids(cases: Cases) -> Iterator[Line]:
    for name, (depth, theta, printed) in pyramids.PUBLISHED.items():
        found = cases.get(name)
        measured = ""
        if found:
            ours, theirs = found["ours, published scoring, ms"], found["published algorithm, ms"]
            measured = f"{found['less']:,.0f} times: {ours:.1f} against {theirs:,.0f} ms{_extrapolated(found)}"
        question = f"step back in {name}, depth {depth}, theta {theta} ({printed} ms in the published table)"
        yield question, f"{pyramids.TARGET:.0f} times less than the published algorithm", measured


def _extrapolated(found: Mapping[str, Any]) -> str:
    walked, all_of_them = found["kernels visited"], found["kernels to visit"]
    return "" if walked == all_of_them else f", extrapolated from {walked:,} of {all_of_them:,} kernels"


def _saliency(cases: Cases) -> Iterator[Line]:
    seconds = sum(found["seconds a map"] for found in cases.values())
    yield "all saliency maps of a native i3d_r50 clip", "", f"{seconds:.1f} s, {len(cases)} maps" if cases else ""


def _decomposition(cases: Cases) -> Iterator[Line]:
    ours = {name: found["seconds a clip, in a batch"] for name, found in cases.items() if "batch" in found}
    theirs = [found for found in cases.values() if "epochs" in found]
    measured = ", ".join(f"{1000 * seconds:.0f} ms at {name}" for name, seconds in ours.items())
    if ours and theirs:
        seconds, run, epochs = (theirs[0][name] for name in ("seconds a clip, extrapolated", "epochs run", "epochs"))
        measured += f" (the published procedure {seconds:.1f} s at {next(iter(ours))}"
        measured += f", extrapolated from {run} of its {epochs:,} epochs)"
    yield "decomposition of a clip", "", measured


def _processes(cases: Cases) -> Iterator[Line]:
    rates: dict[str, dict[str, float]] = {}
    for name, found in cases.items():
        model, way = name.split(", ")
        rates.setdefault(model, {})[way] = found["kernel steps a second"]
    for model in ("i3d_r50", "texture_motion"):
        own = rates.get(model, {})
        alone = own.pop("1 at once", None)
        measured = ", ".join(f"{way}: {rate / alone:.2f} times" for way, rate in own.items()) if alone else ""
        yield f"several processes on {model} together, against one", "", measured


_PARTS: dict[str, Callable[[Cases], Iterator[Line]]] = {
    "equality": _equality,
    "shares": _shares,
    "throughput": _throughput,
    "pyramids": _pyramids,
    "saliency": _saliency,
    "decomposition": _decomposition,
    "processes": _processes,
}
