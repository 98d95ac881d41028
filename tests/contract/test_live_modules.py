"""Modules that live on, of every odd kind: asked as they are, and left exactly as they were."""

from __future__ import annotations

import random
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import weight_norm

import reportgen
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from tests.children import run_python

CLIP = torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))


class Small(nn.Module):
    """A convolution, a batch norm and a classifier of three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm3d(4)
        self.head = nn.Linear(4, 3)

    def features(self, clip: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(clip)))

    def forward(self, clip: Tensor) -> Tensor:
        return self.head(self.features(clip).mean((2, 3, 4)))


class Noting(Small):
    """It sets a buffer anew, counts its passes, and keeps its features, their graph and all."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("passes", torch.zeros(()))
        self.register_buffer("late", None)
        self.count, self.kept, self.seen, self.by_name = 0, torch.zeros(1), [0], {"first": 0}

    def forward(self, clip: Tensor) -> Tensor:
        self.passes = self.passes + 1
        self.count += 1
        self.kept = self.features(clip)
        self.late = self.kept.detach()
        self.seen.append(self.count)
        self.by_name[f"pass {self.count}"] = self.count
        self.new = clip
        return self.head(self.kept.mean((2, 3, 4)))


class Locked(Small):
    """It holds what cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def forward(self, clip: Tensor) -> Tensor:
        with self.lock:
            return super().forward(clip)


class ByItsOwnMode(Small):
    """What it does in training hangs on a flag of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.noisy = True

    def train(self, mode: bool = True) -> ByItsOwnMode:
        self.noisy = mode
        super().train(mode)
        return self

    def forward(self, clip: Tensor) -> Tensor:
        return super().forward(clip + torch.randn_like(clip) if self.noisy else clip)


class Cut(Small):
    """No gradient leads back through it."""

    def forward(self, clip: Tensor) -> Tensor:
        return self.head(self.features(clip).detach().mean((2, 3, 4)))


def made(kind: Callable[[], nn.Module] = Small) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return kind()


def normed() -> nn.Module:
    module = Small()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the old form, whose weight is a computed tensor
        module.conv = weight_norm(module.conv)
    return module


def told_by_hook() -> nn.Module:
    module = Small()
    lock = threading.Lock()

    class Recorder:
        def __init__(self) -> None:
            self.lock = lock

        def hear(self, *_: Any) -> None:
            with self.lock:
                pass

    module.conv.register_forward_hook(Recorder().hear)
    return module


KINDS: dict[str, Callable[[], nn.Module]] = {
    "notes of its passes": Noting,
    "a lock": Locked,
    "a mode of its own": ByItsOwnMode,
    "an old weight norm": normed,
    "a hook with a lock": told_by_hook,
}


def _long(kind: str) -> Any:
    return pytest.param(kind, marks=pytest.mark.long)


def state(module: nn.Module) -> list[tuple[str, Any, Any]]:
    """Return what a module is, by identity and by value."""
    found: list[tuple[str, Any, Any]] = []
    for name, part in module.named_modules():
        for key, value in vars(part).items():
            found.append((f"{name}.{key}", id(value), value.copy() if isinstance(value, list | dict | set) else value))
        for key, value in (*part._buffers.items(), *part._parameters.items()):
            found.append((f"{name}.{key}", id(value), None if value is None else value.detach().tolist()))
        found += [
            (f"{name}.{key}'s grad", id(value.grad), value.requires_grad) for key, value in part._parameters.items()
        ]
    return found


@pytest.mark.parametrize(
    "kind",
    [kind if kind in {"notes of its passes", "an old weight norm"} else _long(kind) for kind in KINDS],
)
def test_what_lives_on_is_left_exactly_as_it_was(kind: str) -> None:
    module = made(KINDS[kind]).train()
    module(CLIP.repeat(2, 1, 1, 1, 1)).sum().backward()
    before = state(module)
    network = Network.from_module(module, frames=4, size=8, mean=0.5, std=0.25)
    assert state(module) == before
    for asked in (network, module):
        found = reportgen.attribute(asked, CLIP, 1, "gradients")
        assert found == reportgen.attribute(asked, CLIP, 1, "gradients")
        assert reportgen.response_maps(asked, CLIP, "conv")["conv"].maps.shape == (4, 4, 8, 8)
        assert state(module) == before


def test_a_backward_pass_that_waits_is_as_it_would_have_been() -> None:
    expected, module = made().train(), made().train()
    expected(CLIP).sum().backward()
    loss = module(CLIP).sum()
    reportgen.audit(module, CLIP, checks=["maps"], most=1)
    loss.backward()
    for one, other in zip(module.parameters(), expected.parameters(), strict=True):
        assert one.grad.equal(other.grad)


@pytest.mark.parametrize("wrap", [nn.DataParallel, pytest.param(torch.compile, marks=pytest.mark.long)])
@pytest.mark.filterwarnings("ignore")  # of what torch imports to compile
def test_a_wrapped_module_is_asked_itself(wrap: Callable[[nn.Module], Any]) -> None:
    module = made().eval()
    wrapped = wrap(module)
    expected = reportgen.response_maps(module, CLIP, "conv")["conv"]
    assert reportgen.response_maps(wrapped, CLIP, "conv")["conv"] == expected
    assert reportgen.response_maps(Network(wrapped), CLIP, "conv")["conv"] == expected
    network = Network.from_module(wrapped, frames=4, size=8, mean=0.0, std=1.0)
    assert network.module is module
    assert reportgen.response_maps(network, CLIP, "conv")["conv"] == expected


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of copying what torch.export makes
def test_an_exported_program_is_asked() -> None:
    module = made().eval()
    program = torch.export.export(module, (CLIP,)).module()
    expected = reportgen.attribute(module, CLIP, 1, "gradients").attribution
    torch.testing.assert_close(reportgen.attribute(program, CLIP, 1, "gradients").attribution, expected)


UNREADABLE: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "lazy": (lambda: nn.Sequential(nn.LazyConv3d(4, 3), nn.Flatten(), nn.LazyLinear(3)), "run it on one batch first"),
    "a script": (lambda: torch.jit.trace(made().eval(), CLIP), "TorchScript"),
    "half a script": (lambda: nn.Sequential(torch.jit.trace(made().eval(), CLIP)), "TorchScript"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_cannot_be_read_is_told_in_a_sentence(kind: str) -> None:
    make, says = UNREADABLE[kind]
    module = make()
    calls: list[Callable[[], Any]] = [
        lambda: reportgen.attribute(module, CLIP),
        lambda: reportgen.response_maps(module, CLIP, "conv"),
        lambda: reportgen.audit(module, CLIP),
        lambda: reportgen.contrast(module, 0, 1),
        lambda: Network.from_module(module),
        lambda: reportgen.load_network(module),
    ]
    for call in calls:
        with pytest.raises(NetworkError, match=says):
            call()


def test_that_no_gradient_comes_through_is_told_in_a_sentence() -> None:
    module = made(Cut)
    with pytest.raises(NetworkError, match="No gradient comes through Cut"):
        reportgen.attribute(module, CLIP, 1)
    assert reportgen.attribute(module, CLIP, 1, "occlusion").explained


def test_a_bare_module_that_cannot_take_its_clip_is_told_the_way() -> None:
    with pytest.raises(NetworkError, match=r"cannot take clips .*: Network\.from_module\(module\) finds out"):
        reportgen.attribute(made(), CLIP.transpose(1, 2).contiguous())
    flat = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(NetworkError, match="two frames or more"):
        reportgen.motion_audit(flat, CLIP[:, :, 0])


def test_the_modes_and_defaults_of_torch_are_the_caller_s_affair() -> None:
    module = made()
    expected = reportgen.attribute(module, CLIP, 1, "integrated_gradients", steps=2)
    with torch.inference_mode():
        within = made()
        assert reportgen.attribute(module, CLIP * 1, 1, "integrated_gradients", steps=2) == expected
        assert reportgen.attribute(within, CLIP, 1, "integrated_gradients", steps=2) == expected
        assert torch.is_inference_mode_enabled()
    assert reportgen.attribute(within, CLIP, 1, "integrated_gradients", steps=2) == expected
    with torch.no_grad():
        assert reportgen.attribute(module, CLIP, 1, "integrated_gradients", steps=2) == expected
        assert not torch.is_grad_enabled()
    try:
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        assert reportgen.attribute(module, CLIP, 1, "integrated_gradients", steps=2) == expected
        assert (torch.get_default_dtype(), torch.get_default_device().type) == (torch.float64, "meta")
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


def test_doubles_are_asked_in_doubles_by_every_call() -> None:
    found = reportgen.concept_tests(made().double(), {"given": CLIP}, CLIP.flip(2), layers=["conv"])
    expected = reportgen.concept_tests(made(), {"given": CLIP}, CLIP.flip(2), layers=["conv"])
    assert found["given"].layers["conv"].auroc.tolist() == expected["given"].layers["conv"].auroc.tolist()


def test_threads_take_turns_and_leave_the_module_as_it_was() -> None:
    module = made().train()
    expected = reportgen.attribute(module, CLIP, 1, "smoothgrad", samples=2)
    before, drawn = state(module), random.getstate()
    found: list[Any] = []

    def ask() -> None:
        found.extend(reportgen.attribute(module, CLIP, 1, "smoothgrad", samples=2) for _ in range(3))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [expected] * 12
    assert state(module) == before
    assert random.getstate() == drawn
    assert torch.is_grad_enabled()


def test_a_call_that_is_interrupted_leaves_the_module_as_it_was() -> None:
    module = made(Noting).train()
    module(CLIP.repeat(2, 1, 1, 1, 1)).sum().backward()
    passes = 0

    def interrupt(*_: Any) -> None:
        nonlocal passes
        passes += 1
        if passes == 3:
            raise KeyboardInterrupt

    module.conv.register_forward_pre_hook(interrupt)
    before, drawn = state(module), torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        reportgen.attribute(module, CLIP, 1, "smoothgrad", samples=8, batch_size=1)
    assert state(module) == before
    assert torch.get_rng_state().equal(drawn)


@pytest.mark.long
def test_a_name_that_is_loaded_draws_no_random_number() -> None:
    done = run_python(
        "import random; state = random.getstate()\n"
        "import reportgen\n"
        "for name in reportgen.__all__: getattr(reportgen, name)\n"
        "assert random.getstate() == state"
    )
    assert done.returncode == 0, done.stderr
