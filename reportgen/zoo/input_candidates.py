"""The inputs that are tried on a foreign network, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, Literal

from torch import nn

from reportgen.errors import OptionError
from reportgen.records.card import Adapter, ClipSpec
from reportgen.zoo.input_tests import Given, asked_keys, clip_keyword, wanted_channels
from reportgen.zoo.overrides import merged

_CLIP_SIZES = ((16, 112, 112), (16, 224, 224), (8, 224, 224), (32, 224, 224), (64, 224, 224), (16, 64, 64), (8, 32, 32))
_FRAME_SIZES = ((224, 224), (256, 256), (384, 512), (64, 64), (32, 32))
_KINETICS = ((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_LAYOUTS = ("N C T H W", "N T C H W", "N T H W C")
_TIME_LAST = Adapter(layout="N C H W T")
_OF_FRAMES = ("N C T H W", "N T H W C")
_OF_FOUR_AXES = frozenset({"frame", "stacked_frames"})


def candidates(module: nn.Module, clip: Given, adapter: Given) -> Iterator[tuple[ClipSpec, Adapter]]:
    """Yield the inputs to try, the likeliest first: clips of many frames, then single frames, then clips of one."""
    keyword = {} if (word := clip_keyword(module)) is None else {"keywords": (word,)}
    clips = [Adapter.model_validate({"layout": layout, "numbers": numbers, **keyword}) for numbers, layout in _ORDERS]
    lists = _LISTS
    sizes = _sizes(clip)
    long = [size for size in sizes if size[0] > 1]
    for size in long:
        for form in _forms(adapter, [*clips, *lists]):
            if form.input not in _OF_FOUR_AXES:
                yield _spec(module, form, size, clip), form
    yield from _dictionaries(module, long, clip, adapter)
    # Behind all sizes: a small clip with its time last is a long one, which more networks take.
    last = _TIME_LAST.model_copy(update=keyword)
    for size in (one for one in long if "layout" not in adapter):
        for form in (one for one in _forms(adapter, [last]) if one.input not in _OF_FOUR_AXES):
            yield _spec(module, form, size, clip), form
    yield from _frames(module, clip, adapter, keyword)
    for size in dict.fromkeys((int(clip.get("frames", 1)), *size[1:]) for size in sizes):
        for form in _forms(adapter, [*clips[:3], *lists[:2]]):
            if form.input not in _OF_FOUR_AXES and size[0] == 1:
                yield _spec(module, form, size, clip), form


_VIEWS: Literal["N 1 C T H W"] = "N 1 C T H W"
_ORDERS = tuple(product(("float32", "uint8"), _LAYOUTS))
_LISTS = (
    Adapter(as_list=True),
    Adapter(as_list=True, layout="N T C H W"),
    Adapter(as_tuple=True),
    *(Adapter(input="pathways", strides=strides) for strides in ((4, 1), (1, 4))),
    Adapter(input="pathways", strides=(4, 1), as_tuple=True),
    Adapter(input="clips"),
    Adapter(input="clips", layout="N T C H W"),
    Adapter(layout=_VIEWS),
)


def _dictionaries(
    module: nn.Module, sizes: Iterable[tuple[int, int, int]], clip: Given, adapter: Given
) -> Iterator[tuple[ClipSpec, Adapter]]:
    """Yield a clip under the key that the network looks for in a dictionary, or two pathways named slow and fast.

    Of other names nothing tells whether they are one clip at two rates, or clips of two kinds.
    """
    if {"keys", "as_list", "as_tuple", "as_arguments", "keywords"} & set(adapter):
        return
    word = clip_keyword(module)
    base: dict[str, Any] = {} if word is None else {"keywords": (word,)}
    for number, size in enumerate(sizes):
        keys = asked_keys(module, _spec(module, Adapter(), size, clip))
        if not keys and number == 0:
            return
        forms: list[dict[str, Any]]
        if len(keys) == 1:
            forms = [{"layout": layout, "numbers": numbers} for numbers, layout in _ORDERS]
        else:
            rates = [4 if "slow" in key.lower() else 1 for key in keys if {"slow", "fast"} & set(_parts(key))]
            forms = [{"input": "pathways", "strides": rates}] if len(keys) == 2 and sorted(rates) == [1, 4] else []
        for form in _forms(adapter, [Adapter.model_validate({**base, **one, "keys": keys}) for one in forms]):
            yield _spec(module, form, size, clip), form


def _parts(key: str) -> list[str]:
    return re.split(r"[^a-z]+", key.lower())


def _frames(module: nn.Module, clip: Given, adapter: Given, keyword: Given) -> Iterator[tuple[ClipSpec, Adapter]]:
    orders = [(numbers, layout) for numbers, layout in _ORDERS if layout in _OF_FRAMES]
    forms = [
        Adapter.model_validate({"input": "frame", "layout": layout, "numbers": numbers, **keyword})
        for numbers, layout in orders
    ]
    forms.append(Adapter.model_validate({"input": "stacked_frames", **keyword}))
    frames = int(clip.get("frames", 1))
    for height, width in _FRAME_SIZES:
        size = (frames, int(clip.get("height", height)), int(clip.get("width", width)))
        for form in (one for one in _forms(adapter, forms) if one.input in _OF_FOUR_AXES):
            spec = (_stacked if form.input == "stacked_frames" else _spec)(module, form, size, clip)
            # Six channels are two pictures of three colours, not one of six.
            if form.input == "stacked_frames" or (frames == 1 and not _is_stack(spec.channels, clip)):
                yield spec, form


def _is_stack(channels: int, clip: Given) -> bool:
    return channels > 3 and channels % 3 == 0 and "channels" not in clip


def _forms(adapter: Given, templates: Sequence[Adapter]) -> list[Adapter]:
    """Return the forms to try with what the user said in them, each once."""
    found: list[Adapter] = []
    stacked = adapter.get("input") == "stacked_frames"
    of_views = adapter.get("input", "clip") in {"clip", "pathways"}
    for template in (one for one in templates if of_views or one.layout != _VIEWS):
        base = template.model_dump() | ({"layout": "N C T H W"} if stacked else {})
        base |= {"as_list": False, "as_tuple": False} if adapter.get("keys") else {}
        base["probabilities"] = None  # whether classes exclude each other is not seen in a network
        try:
            form = merged(Adapter, base, adapter, "--adapter")
        except OptionError:  # what was said is valid by itself (`check_fields`): it is not of this form
            continue
        found += [form] if form not in found else []
    return found


def _sizes(clip: Given) -> list[tuple[int, int, int]]:
    names = ("frames", "height", "width")
    found = [tuple(int(clip.get(name, value)) for name, value in zip(names, one, strict=True)) for one in _CLIP_SIZES]
    return list(dict.fromkeys((frames, height, width) for frames, height, width in found))


def _stacked(module: nn.Module, form: Adapter, size: tuple[int, int, int], clip: Given) -> ClipSpec:
    """Return a clip of as many frames as its first convolution takes pictures of three colours for channels."""
    wanted = wanted_channels(module, form, size)
    frames = int(clip.get("frames", wanted // 3 if wanted is not None and wanted % 3 == 0 else 1))
    channels = int(clip.get("channels", 3 if wanted is None else max(1, wanted // frames)))
    return _with_colours(form, (frames, *size[1:]), channels, clip, _KINETICS)


def _spec(module: nn.Module, form: Adapter, size: tuple[int, int, int], clip: Given) -> ClipSpec:
    channels = int(clip.get("channels", wanted_channels(module, form, size) or 3))
    return _with_colours(form, size, channels, clip, _IMAGENET if form.input == "frame" else _KINETICS)


def _with_colours(
    form: Adapter,
    size: tuple[int, int, int],
    channels: int,
    clip: Given,
    usual: tuple[tuple[float, ...], tuple[float, ...]],
) -> ClipSpec:
    mean, std = usual if channels == 3 else ((0.5,) * channels, (0.25,) * channels)
    base: dict[str, Any] = {"channels": channels, "mean": mean, "std": std}
    if form.numbers == "uint8":
        base |= {"mean": (0.0,) * channels, "std": (1.0,) * channels, "value_range": (0.0, 255.0)}
    base |= dict(zip(("frames", "height", "width"), size, strict=True))
    return merged(ClipSpec, base, clip, "--clip-spec")
