"""How much work a job is, in multiply-adds, as far as its question tells: what costs are fitted to.

Only proportions within one kind of job count, since each kind has its own fitted seconds per multiply-add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reportgen.analyses.common.budget import GRADIENT_PASSES, forward_work
from reportgen.analyses.kernels.analysis import GROWN_STEP, SMALL_FIRST_STEP, affordable_steps
from reportgen.analyses.kernels.parameters import LONG_SEARCH
from reportgen.records.jobs import Job
from reportgen.records.manifest import LayerFacts

Layers = Mapping[str, LayerFacts]


def cost_kind(job: Job) -> str:
    """Return which jobs cost alike: those of one analysis, and of one of its methods; the whole network apart."""
    method = job.parameters.get("method")
    own = f" {method}" if isinstance(method, str) else ""
    return f"{job.analysis}{own}{' of the network' if _is_whole(job) else ''}"


def _is_whole(job: Job) -> bool:
    """Return whether a job asks of the network as a whole, and not of a layer, a kernel or a clip."""
    return "/" not in job.unit


def work_of(job: Job, layers: Layers, clips: int) -> float:
    """Return a job's multiply-adds in 1e9, up to a factor; 0 where nothing tells how many.

    `clips` is the number of reference clips.
    """
    layer = job.parameters.get("layer")
    last = layer if isinstance(layer, str) and layer in layers else None
    passes = _PASSES.get(job.analysis, _once)
    return forward_work(layers, last) * passes(job, layers, last, clips)


_Passes = Callable[[Job, Layers, str | None, int], float]


def _once(_job: Job, _layers: Layers, _last: str | None, _clips: int) -> float:
    return 1.0


def _none(_job: Job, _layers: Layers, _last: str | None, _clips: int) -> float:
    """Return 0: the run's own network is not asked."""
    return 0.0


def _each_clip(_job: Job, _layers: Layers, _last: str | None, clips: int) -> float:
    return max(clips, 1)


def _probed_clips(job: Job, _layers: Layers, _last: str | None, clips: int) -> float:
    """Return the passes of one shown clip, or of all references; without these the shown ones are known by then."""
    probed = min(_number(job, "clips", clips), clips) if _is_whole(job) else 1
    return probed * (1 + _number(job, "draws", 0))


def _search(job: Job, layers: Layers, last: str | None, _clips: int) -> float:
    """Return the passes of a search, whose steps the preset bounds by the work on a kernel."""
    steps = int(_number(job, "steps", 1))
    grow = bool(job.parameters.get("grow"))
    work = job.parameters.get("work")
    if isinstance(work, int | float) and last is not None:
        steps = affordable_steps(layers, last, steps, float(work), grow=grow)
    return GRADIENT_PASSES * steps * _step(job, layers, last, steps)


def _further_searches(job: Job, layers: Layers, last: str | None, _clips: int) -> float:
    steps = _number(job, "steps", 0)
    return GRADIENT_PASSES * (1 + steps * _number(job, "seeds", 0) * _step(job, layers, last, steps))


def _step(job: Job, layers: Layers, last: str | None, steps: float) -> float:
    """Return what a step of a search costs beside one on whole clips."""
    long = last is not None and GRADIENT_PASSES * steps * forward_work(layers, last) >= LONG_SEARCH
    if job.parameters.get("small_first") and long:
        return SMALL_FIRST_STEP
    return GROWN_STEP if job.parameters.get("grow") else 1


def _map(job: Job, _layers: Layers, _last: str | None, _clips: int) -> float:
    many = {"smoothgrad": "samples", "smoothgrad_guided": "samples", "integrated_gradients": "steps"}
    name = many.get(str(job.parameters.get("method")))
    return GRADIENT_PASSES * (_number(job, name, 1) if name else 1)


_PASSES: Mapping[str, _Passes] = {
    "kernels": _search,
    "path": _further_searches,
    "saliency": _map,
    "faithfulness": _map,
    "evidence": _each_clip,
    "concepts": _each_clip,
    "motion": _probed_clips,
    "known_answers": _none,
}


def _number(job: Job, name: str, otherwise: float) -> float:
    value = job.parameters.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
