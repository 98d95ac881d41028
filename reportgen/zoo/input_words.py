"""In words and as options: how a network takes its clip, and which adapter says so."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.records.card import Adapter
from reportgen.wording import option


def words(form: Adapter) -> str:
    """Return in words how a network takes its clip."""
    frame = form.layout.replace(" T", "")
    kinds = {
        "clip": f"a clip {form.layout}",
        "clips": f"its clips, each {form.layout.removeprefix('N ')},",
        "frame": f"single frames {frame}",
        "frames": f"its frames, each {frame},",
        "stacked_frames": "frames stacked as channels, N (T C) H W",
        "pathways": f"clips {form.layout} with temporal strides {form.strides}",
    }
    text = kinds[form.input] + (" of bytes" if form.numbers == "uint8" else "")
    if form.as_arguments:
        text += " as arguments of their own"
    elif form.keys:
        text += f" in a dictionary, by the key{'s' * (len(form.keys) > 1)} {' and '.join(form.keys)}"
    elif form.as_list or form.as_tuple or form.input in {"clips", "frames", "pathways"}:
        text += " in a tuple" if form.as_tuple else " in a list"
    return text + (f", by the keyword {' and '.join(form.keywords)}" if form.keywords else "")


def advice(inputs: Sequence[str], missing: Sequence[str], keys: Sequence[str]) -> str:
    """Return what to say, or to do, about a network of which no form of input was found.

    `inputs` are the arguments that it cannot be called without, `missing` those of them that must be named, and `keys`
    what it looked for in a dictionary.
    """
    if missing:
        named = option("--adapter", {"constants": dict.fromkeys(missing, "...")})
        return f"give its argument{'s' * (len(missing) > 1)} {' and '.join(missing)} with {named}"
    if len(keys) > 1:
        strides = [4, *[1] * (len(keys) - 1)]
        told = option("--adapter", {"input": "pathways", "strides": strides, "keys": list(keys)})
        return (
            f"it looks for {' and '.join(map(repr, keys))} in a dictionary: say at which temporal strides they are the "
            f"clip's frames, such as {told}, or wrap it so that it takes the clip alone"
        )
    if keys:
        return f"it looks for {keys[0]!r} in a dictionary: say how it takes the clip there, such as " + option(
            "--adapter", {"keys": list(keys), "layout": "N T C H W"}
        )
    if len(inputs) > 1:
        strides = [4, *[1] * (len(inputs) - 1)]
        told = option("--adapter", {"input": "pathways", "strides": strides, "as_arguments": True})
        return (
            f"say at which temporal strides {' and '.join(inputs)} are the clip's frames, such as {told}, or wrap it "
            "so that it takes the clip alone"
        )
    size = option("--clip-spec", fields=("frames", "height", "width"))
    return (
        f"say frames, height and width with {size}, and how it takes its input, such as with "
        f"{option('--adapter', {'layout': 'N T C H W'})}, {option('--adapter', {'input': 'clips'})} for a list of "
        f"clips C T H W, {option('--adapter', {'keys': ['video']})} for a dictionary, or "
        f"{option('--adapter', {'input': 'pathways', 'strides': [4, 1]})} for a list of two rates; a network that "
        "takes its clips in another form needs a module around it that takes them N C T H W"
    )
