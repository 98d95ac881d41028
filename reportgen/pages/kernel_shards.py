"""What the page of each kernel shows, as scripts read it: ``<model>/<layer>/kernels-N.js`` holds SHARD kernels each."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.audit.headline import headline
from reportgen.audit.moving import shows_no_pattern
from reportgen.audit.silence import silence_in_words
from reportgen.audit.words_said import label_word
from reportgen.media import read_data
from reportgen.pages.census import MeasuredKernel
from reportgen.pages.kernel import Mark, mark, response_words
from reportgen.pages.kernel_index import ROOT, SHARD, KernelIndex
from reportgen.pages.motion import own_motion
from reportgen.pages.spread import hundredth, hundredth_or_none, response_histogram, short, short_or_none
from reportgen.pages.strips import clip_strip, still_strip, strip_data
from reportgen.reading.addresses import relative_link
from reportgen.reading.evidence import DrivingClip
from reportgen.reading.format import number
from reportgen.reading.graphs import Node
from reportgen.reading.nearest import Alike, nearest_by_profile, nearest_by_response, nearest_by_texture
from reportgen.reading.probes import PROBE_TITLES
from reportgen.reading.raised import Linked, Raised, linked_kernels, raised_by
from reportgen.reading.views import KernelView
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.jobs import Done, content_digest

MOST_TEXTURES = 1_000
"""Visualised kernels whose textures are compared, each with each other."""


class _Words:
    """The sentences of a shard, each once, in the order in which they are first said."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, sentence: str) -> int | None:
        """Return where a sentence stands; None for an empty one."""
        return self.places.setdefault(sentence, len(self.places)) if sentence else None


class KernelShards:
    """The shards of one model's layers; what they are made of is read when the first of them is written."""

    def __init__(self, index: KernelIndex) -> None:
        self._index = index
        self._model = index.model
        self._alike_of: dict[str, dict[str, Alike]] = {}

    @cached_property
    def _raised(self) -> dict[str, Raised]:
        return raised_by(self._model.pyramids)

    @cached_property
    def _linked(self) -> dict[tuple[str, int], Linked]:
        return linked_kernels(self._model.pyramids)

    @cached_property
    def _responses(self) -> dict[str, NDArray[Any]]:
        """The responses of all kernels to some clips, `N K` by layer, as the run keeps them."""
        return self._kept("responses")

    @cached_property
    def _weighted(self) -> dict[str, NDArray[Any]]:
        """The strongest connections of all kernels by their weights, `K 2 M 3` by layer, as the run keeps them."""
        return self._kept("connections")

    def _kept(self, role: str) -> dict[str, NDArray[Any]]:
        for record in self._model.manifest.of("evidence"):
            done = record.outcome
            if isinstance(done, Done) and (kept := done.artifact(role, "data")):
                path = self._model.store.path(kept)
                return read_data(path) if path.exists() else {}  # a site does not carry them
        return {}

    def _alike(self, layer: str) -> dict[str, Alike]:
        """Return the nearest kernels of all of a layer, by what is compared."""
        if layer not in self._alike_of:
            self._alike_of[layer] = self._compared(layer)
        return self._alike_of[layer]

    def _compared(self, layer: str) -> dict[str, Alike]:
        rows, found = self._index.rows(layer), {}
        responses = self._responses.get(layer)
        if responses is not None and responses.ndim == 2 and responses.shape[1] == len(rows) and len(responses) > 2:
            found["responses"] = nearest_by_response(responses)
        told = [[row.told.kept(probe) if row.told else None for probe in PROBE_TITLES] for row in rows]
        if any(value is not None for row in told for value in row):
            found["motion"] = nearest_by_profile(np.array(told, float))
        return found

    def key(self, layer: str) -> str:
        """Return the digest of what the shards of a layer are made from; empty where it is not known.

        Kernels of other layers have a part in them by how much their textures are alike, and by nothing else.
        """
        key = self._index.keys.get(layer)
        alike = [[place, found] for place, found in self._alike_in_texture.items() if place[0] == layer]
        return content_digest(["shards", key, alike]) if key else ""

    def shard(self, layer: str, start: int) -> dict[str, Any]:
        """Return the kernels from `start` on, and what holds for the whole layer.

        Sentences are places in ``words``: most are said of many kernels, and a layer may have thousands.
        """
        alike, words = self._alike(layer), _Words()
        first = next(iter(self._model.kernels.get(layer, ())), None)
        synthetic = self._model.answer(first.stage1, KernelAnswer) if first else None
        kernels = [
            self._kernel(layer, row, {name: found[row.index] for name, found in alike.items()}, words)
            for row in self._index.rows(layer)[start : start + SHARD]
        ]
        return {
            "response": response_words(self._model.run.card, layer, synthetic),
            "compared": {"responses": len(next(iter(self._responses.values()), ())), "motion": len(PROBE_TITLES)},
            "words": list(words.places),
            "kernels": kernels,
        }

    def _kernel(
        self, layer: str, row: MeasuredKernel, alike: dict[str, list[tuple[int, float]]], words: _Words
    ) -> dict[str, Any]:
        model, view = self._model, self._index.views.get((layer, row.index))
        figures = view.figures if view else model.figures(layer, row.index)
        word = figures.word
        linked = self._linked.get((layer, row.index))
        raised = self._raised.get(layer)
        found: dict[str, Any] = {
            "index": row.index,
            "best": short_or_none(row.best),
            "said": words.place(headline(figures, model.limits).sentence),
            "page": str(relative_link(ROOT, view.uri)) if view else "",
            "word": label_word(word.word, model.limits, held_out=word.held_out) if word else "",
            "doubts": [words.place(doubt) for doubt in self._doubts(layer, row)],
            "clips": self._strips(layer, row.index),
            "histogram": self._histogram(layer, row.index),
            "probed": self._probed(row),
            "probes": [hundredth_or_none(row.told.kept(probe)) for probe in PROBE_TITLES] if row.told else None,
            "concepts": self._concepts(layer, row.index),
            "near": {
                name: [[self._index.layers[layer], other, hundredth(value)] for other, value in some]
                for name, some in alike.items()
                if some
            }
            | self._textures(layer, row.index),
            "classes": [[place, short(value)] for place, value in raised.strongest(row.index)] if raised else [],
            "linked": {
                "pyramid": linked.pyramid,
                "feeds": [self._end(end) for end in linked.feeds],
                "fed_by": [self._end(end) for end in linked.fed_by],
            }
            if linked
            else None,
            "weighted": self._by_weights(layer, row.index) if not linked else None,
            "pictures": self._pictures(view) if view else None,
        }
        return {name: value for name, value in found.items() if value not in (None, "", [], {})}

    @cached_property
    def _alike_in_texture(self) -> dict[tuple[str, int], list[tuple[tuple[str, int], float]]]:
        """The visualised kernels that a pattern drives, each with those of the most similar one, where few are."""
        views = self._index.views if len(self._index.views) <= MOST_TEXTURES else {}
        figures = {key: view.figures for key, view in views.items()}
        told = {key: one for key, one in figures.items() if not shows_no_pattern(one, self._model.limits)}
        return nearest_by_texture({key: one.pattern for key, one in told.items() if one.pattern})

    def _textures(self, layer: str, index: int) -> dict[str, list[list[Any]]]:
        found = self._alike_in_texture.get((layer, index), [])
        rows = [[self._index.layers[other], kernel, hundredth(value)] for (other, kernel), value in found]
        return {"texture": rows} if rows else {}

    def _doubts(self, layer: str, row: MeasuredKernel) -> list[str]:
        doubts = self._model.evidence.doubts(layer, row.index)
        if row.silent and not row.dead:
            multiple = min(m for m in (row.of_median, row.probes.response_of_median if row.probes else None) if m)
            doubts.append(f"Near-silent: {silence_in_words(multiple, self._model.limits)}.")
        return doubts

    def _strips(self, layer: str, index: int) -> dict[str, list[list[Any]]]:
        """Return the clips of each kind: [clip, response, and where known the mark's box, frames and centre]."""
        found = self._model.evidence.strips(layer, index)
        if found is None:
            return {}
        kinds = {"most": found.most, "least": found.least, "random": found.random}
        if self._model.evidence.clips <= len(found.most):
            kinds = {"all": found.most}
        return {kind: [self._driven(one, found.field) for one in clips] for kind, clips in kinds.items() if clips}

    def _driven(self, one: DrivingClip, field: tuple[int, int, int] | None) -> list[Any]:
        facts = self._model.clips.get(one.clip)
        box = mark(one.place, field, (facts.frames, facts.height, facts.width)) if facts else None
        value = None if one.value != one.value else short(one.value)
        return [self._index.clips[one.clip], value, *([_box(box)] if box else [])]

    def _probed(self, row: MeasuredKernel) -> list[Any] | None:
        """Return the probed clip that drives a kernel most, and the response to it."""
        found = row.probes
        return [self._index.clips[found.clip], short_or_none(found.response)] if found else None

    def _histogram(self, layer: str, index: int) -> dict[str, object] | None:
        evidence = self._model.evidence.layers.get(layer)
        return response_histogram(evidence.statistics(index)) if evidence else None

    def _concepts(self, layer: str, index: int) -> list[list[Any]]:
        """Return each concept's AUROC and q of a kernel, the largest AUROC first."""
        rows = ((place, one.kernel(layer, index)) for place, one in enumerate(self._model.concepts))
        told = [(kernel.auroc, place, kernel.q) for place, kernel in rows if kernel and kernel.auroc is not None]
        return [[place, short(auroc), short_or_none(q)] for auroc, place, q in sorted(told, key=lambda each: -each[0])]

    def _end(self, end: tuple[Node, float]) -> list[Any]:
        """Return a kernel at the other end of a connection as [layer, index, contribution]; the class has no layer."""
        node, value = end
        place = self._index.layers.get(node.layer) if node.depth else -1
        return [node.layer if place is None else place, node.index, short(value)]

    def _by_weights(self, layer: str, index: int) -> dict[str, list[list[Any]]] | None:
        """Return what a kernel feeds and what feeds it, as [layer or its name, index, share of the squared weights]."""
        links, names = self._weighted.get(layer), self._model.evidence.connected
        if links is None or links.ndim != 4 or links.shape[1] != 2 or links.shape[3] != 3 or index >= len(links):
            return None
        found = {}
        for name, rows in (("fed_by", links[index, 0]), ("feeds", links[index, 1])):
            ends = [(int(place), int(kernel), float(share)) for place, kernel, share in rows]
            known = [(names[place], kernel, share) for place, kernel, share in ends if 0 <= place < len(names)]
            found[name] = [[self._index.layers.get(one, one), kernel, hundredth(share)] for one, kernel, share in known]
        return found if any(found.values()) else None

    def _pictures(self, view: KernelView) -> list[list[Any]]:
        """Return the synthetic pictures of a kernel, each with its title."""
        stage1, parts, addresses = view.answer("kernels"), view.answer("decomposition"), self._model.addresses
        moving, scale = own_motion(self._model.motions.get(view.id.layer), view.id.index)
        found = (
            ("Stage 1", clip_strip(addresses, stage1, "stage1", f"Synthetic clip that drives {view.name} most")),
            ("Texture", still_strip(addresses, parts, "texture", f"Still texture of {view.name}")),
            (f"Motion, full colour at {number(scale, 2)} px/frame", moving),
            ("Reconstruction", clip_strip(addresses, parts, "reconstruction", f"Moved texture of {view.name}")),
        )
        # Of an even colour the others show that colour again, or what hardly drives the kernel.
        shown = found[:1] if shows_no_pattern(view.figures, self._model.limits) else found
        return [[title, strip_data(ROOT, one)] for title, one in shown if one]


def _box(box: Mark) -> list[Any]:
    return [box.left, box.top, box.width, box.height, box.first, box.last, box.words]
