"""What a pass leaves in a module is taken away behind it; modules that leave nothing are not looked at again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reportgen.networks.core import attributes
from reportgen.networks.core.attributes import attributes_kept, begun_anew, leaves_something
from reportgen.networks.core.network import as_network
from reportgen.networks.core.observing import Observer
from reportgen.networks.core.passes import run_until
from reportgen.networks.core.unchanged import unchanged


class Counting(nn.Module):
    """Counts its calls where it is told to, in an attribute and in a buffer."""

    def __init__(self, *, counts: bool) -> None:
        super().__init__()
        self.counts, self.calls = counts, 0
        self.register_buffer("total", torch.zeros(1))

    def forward(self, values: Tensor) -> Tensor:
        if self.counts:
            self.calls += 1
            self.total += 1
        return values + self.calls + self.total


def test_every_pass_finds_what_the_first_one_found() -> None:
    module = Counting(counts=True)
    for _ in range(3):
        with begun_anew(module):
            assert module(torch.zeros(1)) == 2
    assert (module.calls, float(module.total)) == (0, 0.0)
    assert leaves_something(module)


@dataclass
class Memory:
    """The last features, as streaming networks keep them in a class of their own."""

    last: Tensor = field(default_factory=lambda: torch.zeros(1))
    calls: int = 0


@dataclass(slots=True)
class Slots:
    """The same without a dict."""

    last: Tensor = field(default_factory=lambda: torch.zeros(1))
    calls: int = 0


class LaterSlots(Slots):
    """One more, which is not set at first and whose name is its own."""

    __slots__ = ("__later", "__weakref__")

    def noted(self, values: Tensor) -> Tensor:
        self.__later = getattr(self, "_LaterSlots__later", 0) + values
        return self.__later


class Both(Slots):
    """Slots, and a dict beside them."""

    def noted(self, values: Tensor) -> Tensor:
        self.calls += 1
        self.past = getattr(self, "past", 0) + values
        return self.past * self.calls


class Hidden(Slots):
    """A slot behind a class's own attribute of its name, which cannot be set, as numbers of sympy have."""

    __slots__ = ()
    calls = 1

    def noted(self, values: Tensor) -> Tensor:
        self.last = self.last + values
        return self.last * self.calls


class Remembering(nn.Module):
    """Answers what it kept of its calls, by an object of another class, and adds to it."""

    def __init__(self, kept: Any, add: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.kept, self.add = kept, add

    def forward(self, values: Tensor) -> Tensor:
        return self.add(self.kept, values)


def _hidden() -> Hidden:
    kept = Hidden.__new__(Hidden)
    kept.last = torch.zeros(1)
    return kept


def _exchanged(kept: Any, values: Tensor) -> Tensor:
    kept.last, kept.calls = kept.last + values, kept.calls + 1
    return kept.last * kept.calls


def _written(kept: Any, values: Tensor) -> Tensor:
    return kept.last.add_(values)


def _deep(kept: Any, values: Tensor) -> Tensor:
    kept["layer"]["states"][0].append(values)
    return torch.stack(kept["layer"]["states"][0]).sum(0)


def _in_a_pair(kept: Any, values: Tensor) -> Tensor:
    return kept[1].last.add_(values)


@pytest.mark.parametrize(
    ("kept", "add"),
    [
        (Memory, _exchanged),
        (Memory, _written),
        (Slots, _exchanged),
        (Slots, _written),
        (LaterSlots, LaterSlots.noted),
        (Both, Both.noted),
        (_hidden, Hidden.noted),
        (lambda: {"layer": {"states": [[]]}}, _deep),
        (lambda: (1, Memory()), _in_a_pair),
        (lambda: SimpleNamespace(last=torch.zeros(1)), _written),
    ],
)
def test_what_lies_in_objects_is_as_it_was(kept: Callable[[], Any], add: Callable[[Any, Tensor], Tensor]) -> None:
    module = Remembering(kept(), add)
    for _ in range(3):
        with begun_anew(module):
            assert module(torch.ones(1)) == 1
    assert leaves_something(module)


def test_objects_that_hold_each_other_are_looked_into_once() -> None:
    first, second = SimpleNamespace(calls=0), SimpleNamespace(calls=0)
    first.other, second.other = second, first
    module = Remembering(first, lambda kept, values: values + kept.other.calls)
    with attributes_kept(module):
        first.calls = second.calls = 3
        first.other = None
    assert (first.calls, second.calls, first.other) == (0, 0, second)


@pytest.mark.parametrize("until", ["", "layer"])
def test_a_module_that_leaves_nothing_is_looked_at_once(until: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Counting(counts=False)
    with begun_anew(module, until):
        module(torch.zeros(1))
    assert not leaves_something(module)
    monkeypatch.setattr(attributes, "attributes_kept", None)
    with begun_anew(module, until):
        module(torch.zeros(1))


def test_a_pass_that_stopped_early_says_nothing_of_one_that_does_not() -> None:
    module = Counting(counts=True)
    with pytest.raises(ZeroDivisionError), begun_anew(module, "layer"):
        raise ZeroDivisionError
    with begun_anew(module):
        assert module(torch.zeros(1)) == 2
    assert module.calls == 0


def test_a_setting_that_is_changed_is_seen_by_the_next_call() -> None:
    module = Counting(counts=False)
    with begun_anew(module):
        module(torch.zeros(1))
    module.counts = True
    with unchanged(module), begun_anew(module):
        module(torch.zeros(1))
    assert module.calls == 0
    assert leaves_something(module)


class Watching(Observer):
    """Notes the operations that run."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("counts", [False, True])
def test_whoever_watches_sees_the_same_operations_in_every_pass(counts: bool) -> None:
    module, seen = Counting(counts=counts), []
    for _ in range(3):
        with Watching() as watching, begun_anew(module):
            module(torch.zeros(1))
        seen.append(watching.seen)
    assert seen[0] == seen[1] == seen[2]
    assert not any("clone" in name or "equal" in name or "copy" in name for name in seen[0])


def test_passes_that_end_at_a_layer_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, look = [], attributes.state_of
    monkeypatch.setattr(attributes, "state_of", lambda module: looks.append(1) or look(module))
    network = as_network(nn.Sequential(nn.Conv3d(3, 2, 1), nn.Conv3d(2, 2, 1)))
    for layer in ("0", "0", "1", "1", "0"):
        run_until(network, torch.zeros(1, 3, 2, 4, 4), layer)
    assert len(looks) == 2 * 2, "before and behind the first pass to each layer"


def test_a_pass_that_fails_on_its_way_does_not_say_what_one_that_gets_there_leaves() -> None:
    module = nn.Sequential(nn.Conv3d(3, 2, 3), Counting(counts=True))
    network = as_network(module)
    with pytest.raises(RuntimeError):
        run_until(network, torch.zeros(1, 3, 1, 1, 1), "1")  # smaller than a kernel
    clip = torch.zeros(1, 3, 4, 4, 4)
    first, again = (run_until(network, clip, "1") for _ in range(2))
    assert torch.equal(first, again)
    assert (module[1].calls, float(module[1].total)) == (0, 0.0)
