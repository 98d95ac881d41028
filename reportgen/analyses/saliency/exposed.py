"""A network's nonlinearities as modules of their own, without touching the network.

captum's guided backprop hooks `nn.ReLU` modules, and is right only where each of these is a module that works out of
place and runs once, on an input that nothing else reads; DeepLift's rules are of calls, too. Real networks use one
in-place ReLU many times over, or call `relu` as a function. Replacing modules on a copy would mend the first and not
the second, and would copy the weights. Here every call is instead intercepted while the network runs, whatever the
spelling, and answered by a module that belongs to that one call; the network's own code, weights and hooks stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.core.observing import named_arguments, tensors_of
from reportgen.networks.trace.handmade import Origins, Rectified, grows_with, overwrites, plain_name, rectified
from reportgen.networks.trace.rectifiers import (
    OTHER_RECTIFIERS,
    RECTIFIERS,
    WRITTEN_OUT,
    Builder,
    RectifierCount,
    Replacement,
    operation_builder,
)


class ExposedNetwork(nn.Module):
    """The logits of a network as a function of its clip, with each nonlinear call a module in `calls`.

    `expected` is what the network returns for `clip` by itself.

    Only the calls are submodules: the network itself is kept out of `modules()`, so that nothing hooks its own.
    `advance` is told of every clip that went through. `unreached` is how many rectifications ran that are none of the
    calls: in compiled or scripted code, under a transform as vmap, or in an autograd function of its own. `others`
    counts the calls of rectifiers that are no ReLU, by their names. `handmade` holds the calls whose results were a
    rectifier's, each by its name and as the how manieth of that name.
    Raises NetworkError when a call cannot be exposed without changing what the network returns.
    """

    def __init__(
        self,
        network: Network,
        clip: Tensor,
        expected: Tensor,
        builders: Mapping[Any, Builder],
        advance: Callable[[float], None] = lambda _clips: None,
    ) -> None:
        super().__init__()
        self.network = network
        self.advance = advance
        self.builders = builders
        self._recorded_on = clip.detach(), expected.detach()
        self.calls = nn.ModuleList()
        self.unreached = 0
        self.others: Counter[str] = Counter()
        self.handmade: set[tuple[str, int]] = set()
        # Most code uses what an in-place call returns, and then needs no copy back into its input; some does not.
        self.copy_back = False
        if not self._recorded(clip, expected):
            self.copy_back = True
            if not self._recorded(clip, expected):
                raise NetworkError(
                    f"The activations of {network.name} cannot be taken over without changing what it returns: "
                    "choose a method that needs plain gradients only, such as integrated_gradients."
                )

    def _recorded(self, clip: Tensor, expected: Tensor) -> bool:
        """Make a module for each call; return whether the network then returns what is expected of it."""
        self.calls, self.others, self.handmade = nn.ModuleList(), Counter(), set()
        # No graph is built, for nothing needs a gradient; what runs without one (an autograd function) is let alone.
        given = clip.detach()
        with torch.enable_grad(), RectifierCount() as ran, _Routing(self, ran):
            found = self.network.logits(given).detach()
        self.unreached = ran.count
        self.others += ran.others
        return torch.allclose(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))

    def forward(self, clip: Tensor) -> Tensor:
        """Return the class logits `N K` of clips."""
        with _Routing(self) as routing:
            logits = self.network.logits(clip)
        if routing.taken != len(self.calls):
            raise self.other_path()
        self.advance(len(clip))
        return logits

    def is_of(self, network: Network, clip: Tensor, expected: Tensor) -> bool:
        """Return whether it was made of this very network, and of an equal clip of equal logits."""
        pairs = zip(self._recorded_on, (clip, expected), strict=True)
        return network is self.network and all(torch.equal(one, other) for one, other in pairs)

    def other_path(self) -> NetworkError:
        """Return the error for a network whose calls depend on the clip."""
        return NetworkError(
            f"{self.network.name} applies other activations to another clip, so that they cannot be taken over: "
            "choose a method that needs plain gradients only, such as integrated_gradients."
        )


class Exposures:
    """Keeps the network whose rectifiers were exposed last: several methods ask about one clip, and a pass is dear."""

    def __init__(self) -> None:
        self._kept: ExposedNetwork | None = None

    def of(self, network: Network, clip: Tensor, expected: Tensor, advance: Callable[[float], None]) -> ExposedNetwork:
        """Return a network with its rectifiers exposed: the last one, where it was made of the same.

        Who asks has the former's hooks taken away.
        """
        if self._kept is None or not self._kept.is_of(network, clip, expected):
            self._kept = None  # not two at a time
            self._kept = ExposedNetwork(network, clip, expected, RECTIFIERS)
        self._kept.advance = advance
        return self._kept


class _Routing(TorchFunctionMode):
    """Answers the calls of one forward pass by `calls`, in order.

    While a pass is recorded a module is added for each call, and `ran` counts what no call answers for.
    """

    def __init__(self, exposed: ExposedNetwork, ran: RectifierCount | None = None) -> None:
        super().__init__()
        self.exposed = exposed
        self.recording = ran is not None
        self.ran = RectifierCount() if ran is None else ran
        self.taken = 0
        self._origins = Origins()
        self._before_others = Origins()
        self._looked_at: Counter[str] = Counter()

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = {name: value for name, value in (kwargs or {}).items() if name != "out" or value is not None}
        if "out" in kwargs or _within_transform():
            return func(*args, **kwargs)
        self.ran.calls += 1
        try:
            return self._called(func, args, kwargs)
        finally:
            self.ran.calls -= 1

    def _called(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a call returns, by a module of its own where it is a nonlinearity."""
        if not torch.is_grad_enabled() or any(one.layout != torch.strided for one in tensors_of((args, kwargs))):
            return self._out_of_reach(func, args, kwargs)
        with self._uncounted():
            call = self._listed(func, args, kwargs)
        if call is None:
            self._note_other(func)
            if not self.recording and not self.exposed.handmade:
                return func(*args, **kwargs)
            return (self._overwriting if overwrites(func, kwargs) else self._computing)(func, args, kwargs)
        (given, *_) = _input_first(args, kwargs) if call.given is None else (call.given,)
        answer = self._answered(call.module, given, *call.beside)
        if not (call.in_place and self.exposed.copy_back):
            return answer
        with self._uncounted():
            return given.copy_(answer)

    def _out_of_reach(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the result of a call in which no rectifier can be replaced: on sparse values, or where no gradient is
        kept, as within an autograd function of the network's own.

        Those that are no ReLU are counted there as elsewhere.
        """
        found = func(*args, **kwargs)
        self._note_other(func)
        if isinstance(found, Tensor) and found.is_floating_point() and not overwrites(func, kwargs):
            self._count_other(func, found, (*args, *kwargs.values()))
        return found

    def _listed(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Replacement | None:
        """Return what answers a call of a function that is known to be a nonlinearity."""
        builder = self.exposed.builders.get(func)
        if builder is not None:
            return builder(*_input_first(args, kwargs), **_rest(kwargs))
        builder = operation_builder(func)
        return None if builder is None else builder(*named_arguments(func, args, kwargs).values())

    def _note_other(self, func: Any) -> None:
        name = plain_name(func)
        if self.recording and name in OTHER_RECTIFIERS:
            self.exposed.others[name] += 1

    def _computing(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the result of a call, or where it rectifies a tensor that it comes from, a ReLU of that."""
        before = self.ran.count
        found = func(*args, **kwargs)
        first = found[0] if isinstance(found, tuple) and found else found
        if not isinstance(first, Tensor) or not first.is_floating_point():
            return found
        given = (*args, *kwargs.values())
        origins = self._origins.of(given, first.shape)
        rectifier = self._found(func, first, origins)
        if rectifier is None:
            for result in tensors_of([found]):
                self._origins.note(result, given)
            self._count_other(func, first, given)
            return found
        self.ran.count = before
        answer = self._answered(nn.ReLU(), origins[rectifier.place]) * rectifier.scale
        return type(found)((answer, *found[1:])) if isinstance(found, tuple) else answer

    def _overwriting(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what `_computing` does, of a function that overwrites its first argument."""
        target = args[0] if args else None
        if not isinstance(target, Tensor) or not target.is_floating_point():
            return func(*args, **kwargs)
        given = [target.clone(), *args[1:], *kwargs.values()]
        before = self.ran.count
        result = func(*args, **kwargs)
        origins = self._origins.of([*given, target], target.shape)
        found = self._found(func, target, origins)
        if found is not None:
            self.ran.count = before
            with self._uncounted():
                target.copy_(self._answered(nn.ReLU(), origins[found.place]) * found.scale)
        else:
            self._count_other(func, target, given)
        return result

    def _found(self, func: Any, result: Tensor, origins: list[Tensor]) -> Rectified | None:
        """Return which of the tensors that it comes from a result rectifies.

        Only a recorded pass asks of each call; the others do of those that were rectifiers then, counted by name.
        """
        name = plain_name(func)
        self._looked_at[name] += 1
        call = name, self._looked_at[name]
        if not self.recording and call not in self.exposed.handmade:
            return None
        with self._uncounted():
            found = rectified(result, origins)
        if found is None:
            if not self.recording:
                raise self.exposed.other_path()
            return None
        self.exposed.handmade.add(call)
        return found

    def _count_other(self, func: Any, result: Tensor, given: Iterable[Any]) -> None:
        """Count a rectifier of a recorded pass that passes a part of what is negative, and is not called by its name.

        What is computed from one comes from no tensor before it: a factor behind it does not make a second one.
        """
        if not self.recording or plain_name(func) in OTHER_RECTIFIERS:
            return
        with self._uncounted():
            if grows_with(result, self._before_others.of(given, result.shape)):
                self.exposed.others[WRITTEN_OUT] += 1
            else:
                self._before_others.note(result, given)

    def _answered(self, built: nn.Module, *given: Tensor) -> Tensor:
        with self._uncounted():
            module = self._module(built)
            # A view: captum hooks what the module is given. A constant has no gradient to hook.
            hooked = any(one.requires_grad for one in given)
            answer: Tensor = module(*(one.view_as(one) for one in given)) if hooked else module.forward(*given)
        self.taken += 1
        return answer

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        """Answer for what runs within the context."""
        before = self.ran.count
        yield
        self.ran.count = before

    def _module(self, built: nn.Module) -> nn.Module:
        calls = self.exposed.calls
        if self.recording:
            calls.append(built)
        if self.taken >= len(calls) or type(calls[self.taken]) is not type(built):
            raise self.exposed.other_path()
        return calls[self.taken]


def _within_transform() -> bool:
    """Whether a transform of `torch.func` is at work, such as vmap, whose tensors have no values and take no hooks."""
    return torch._C._functorch.maybe_current_level() is not None


def _input_first(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    return args or (kwargs["input"],)


def _rest(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name != "input"}
