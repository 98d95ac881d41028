"""Python files and importable names that define networks, and the modules that they build."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from reportgen.errors import CardError, OutOfMemoryError, a_type, unknown_name
from reportgen.networks.core.copying import within_wrappers
from reportgen.networks.core.out_of_memory import is_out_of_memory
from reportgen.networks.core.precision import in_single_precision, other_precisions
from reportgen.records.card import ModelCard
from reportgen.zoo.cards import CardEntry

KeyLayout = Callable[[dict[str, Tensor]], dict[str, Tensor]]


@dataclass(frozen=True)
class Definition:
    """What builds a network: the card, a function from a card to the module, and the published key layouts.

    `origin` is what an error names. A key layout renames (and reshapes, where the publisher did) the entries of a
    published file to those of the module's state dict. `entry` is where the card lies; None for a network of the
    user's own, whose factory has no card to read a number of classes from.
    """

    card: ModelCard
    factory: Callable[[ModelCard], object]
    origin: str
    key_layouts: Mapping[str, KeyLayout] = field(default_factory=dict)
    entry: CardEntry | None = None

    def build(self, card: ModelCard | None = None) -> nn.Module:
        """Return the module for `card` (the definition's own by default), as its factory makes it, in float32.

        It comes without what wraps it for several devices, or by `torch.compile`: its layers have the names they have.

        Raises CardError when the factory fails or returns something else, OutOfMemoryError, NetworkError for complex
        weights.
        """
        try:
            module = self.factory(card or self.card)
        except Exception as error:  # the factory is the user's code: whatever it raises is the card's fault
            if is_out_of_memory(error):
                raise OutOfMemoryError(f"Memory ran out while {self.origin} built the network.") from error
            raise CardError(f"{self.origin} failed to build the network ({describe(error)}).") from error
        if not isinstance(module, nn.Module):
            raise CardError(f"{self.origin} returned {type(module).__name__}: it must return a torch.nn.Module.")
        module = within_wrappers(module)
        if isinstance(module, torch.jit.ScriptModule):
            raise CardError(
                f"{self.origin} returned a TorchScript program, whose layers cannot be read: give the module that it "
                "was made of, or export it (torch.export)."
            )
        if any(nn.parameter.is_lazy(weight) for weight in (*module.parameters(), *module.buffers())):
            raise CardError(f"{self.origin} has lazy layers, whose weights have no shape: call it once in its factory.")
        if set(other_precisions(module)) == {"float64"}:
            return module.float()
        return in_single_precision(module, self.origin)

    def build_on_meta(self, card: ModelCard | None = None) -> nn.Module:
        """Return the module without memory for its weights, where its factory can do that; else an ordinary one."""
        # A factory that loads its weights is told, weight by weight, that here they cannot be kept.
        with suppress(CardError), torch.device("meta"), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.build(card)
        # A factory may read values while it builds (`.item()`, numpy): then the fault, if there is one, is reported by
        # the ordinary build, and not while another one is handled: Python then tells some faults by another name.
        with torch.random.fork_rng(devices=[]):
            return self.build(card)


def definition_of(entry: CardEntry) -> Definition:
    """Return the definition that a card names; raises CardError when its file or function is not valid."""
    source, name = entry.source, entry.card.architecture.factory
    module = import_file(source)
    factory = getattr(module, name, None)
    if not callable(factory):
        raise CardError(f"{source} has no function {name!r}, which the card of {entry.card.name} names.")
    layouts = getattr(module, "KEY_LAYOUTS", {})
    if not isinstance(layouts, Mapping) or not all(callable(layout) for layout in layouts.values()):
        raise CardError(f"{source}: KEY_LAYOUTS must map names to functions from a state dict to a state dict.")
    return Definition(entry.card, factory, f"{name}(card) of {source}", layouts, entry)


def import_file(path: Path) -> ModuleType:
    """Return the module of a Python file, under a private name that cannot clash with an installed package.

    Files of the same folder can be imported by it while it is imported. The same content is executed once.
    Raises CardError when the file cannot be read or executed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CardError(f"{path} cannot be read ({error.strerror}).") from error
    name = f"_reportgen_{path.stem}_{hashlib.sha256(str(path.resolve()).encode() + content).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CardError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look a module up while it is being executed
    try:
        with _importable(path.resolve().parent):
            spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise CardError(f"{path} cannot be imported ({describe(error)}).") from error
    return module


def import_name(name: str) -> ModuleType:
    """Return the installed module `name`, or one of the working folder; raises CardError when it cannot be imported."""
    try:
        with _importable(Path.cwd()):
            return importlib.import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == name.partition(".")[0]:
            hint = "install it, or call from the folder that holds it"
            raise CardError(f"There is no module {name!r}: {hint}.") from error
        raise CardError(f"The module {name!r} cannot be imported ({describe(error)}).") from error


def factory_of(target: str) -> tuple[Callable[..., object], Path | None]:
    """Return the function that `package.module:factory` or `path/to/file.py:factory` names, and its file.

    Raises CardError when the module cannot be imported, UnknownNameError when it has no such function.
    """
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise CardError(f"{target!r} names no network: write package.module:factory or path/to/file.py:factory.")
    module = import_file(Path(place)) if place.endswith(".py") else import_name(place)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            candidates = [word for word, value in vars(module).items() if callable(value) and not word.startswith("_")]
            raise unknown_name("factory", name, candidates, hint=f"It was looked for in {place}.")
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        raise CardError(f"{target} is a network, not what makes one: name a function or class that returns it.")
    if not callable(found):
        raise CardError(f"{target} is {a_type(found)}: name a function or class that makes the network.")
    file = getattr(module, "__file__", None)
    return found, Path(file) if file else None


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let modules of `folder` be imported, after all installed ones, until the context ends.

    What was imported from another folder in such a context is not taken for a module of the same name of this one.
    """
    entry = str(folder)
    elsewhere = {name: module for name, module in sys.modules.items() if _BESIDE.get(_top(name), entry) != entry}
    for name in elsewhere:
        del sys.modules[name]
    before = set(sys.modules)
    sys.path.append(entry)
    try:
        yield
    finally:
        sys.path.remove(entry)
        for top in {_top(name) for name in set(sys.modules) - before}:
            file = getattr(sys.modules.get(top), "__file__", None)
            if file and Path(file) in (Path(entry, f"{top}.py"), Path(entry, top, "__init__.py")):
                _BESIDE[top] = entry
        for name, module in elsewhere.items():
            if _BESIDE[_top(name)] != entry:
                sys.modules.setdefault(name, module)


_BESIDE: dict[str, str] = {}
"""Modules that networks' files imported from beside them, by their first name, with the folder that they lie in."""


def _top(name: str) -> str:
    return name.partition(".")[0]


def describe(error: BaseException) -> str:
    """Return an exception as one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def device_of(module: nn.Module) -> torch.device:
    """Return the device of a module's first parameter; the CPU when it has none."""
    parameter = next(module.parameters(), None)
    return parameter.device if parameter is not None else torch.device("cpu")
