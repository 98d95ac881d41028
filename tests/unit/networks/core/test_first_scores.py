"""What a bare module's output is read as, where nothing is said of it."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reportgen import attribute
from reportgen.errors import NetworkError
from reportgen.networks.core.network import as_network

Named = namedtuple("Named", ["features", "logits"])


class Bare(nn.Module):
    """Tells classes at half of the clip's times, `N T/2 K`, in some form."""

    def __init__(self, form: Callable[[Tensor], Any], classes: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.maps, self.head = nn.Conv3d(3, 6, 3, (2, 2, 2), 1), nn.Linear(6, classes)
        self.form = form

    def told(self, clips: Tensor) -> Tensor:
        found: Tensor = self.head(self.maps(clips).relu().mean((3, 4)).transpose(1, 2))
        return found

    def forward(self, clips: Tensor) -> Any:
        return self.form(self.told(clips))


FORMS: dict[str, Callable[[Tensor], Any]] = {
    "times before classes": lambda told: told,
    "classes before times": lambda told: told.transpose(1, 2),
    "rows of one clip together": lambda told: told.flatten(0, 1),
    "rows of one time together": lambda told: told.transpose(0, 1).flatten(0, 1),
    "named": lambda told: Named(told.mean(1)[:, :2], told.mean(1)),
    "beside an output": lambda told: {"output": told.mean(1)[:, :2], "logits": told.mean(1)},
    "in a dict": lambda told: {"embedding": told.mean(1)[:, :2], "logits": told.mean(1)},
}


@pytest.mark.parametrize("classes", [3, 5])
@pytest.mark.parametrize("clips", [1, 2, 3])
@pytest.mark.parametrize("form", FORMS)
def test_classes_are_found_wherever_times_lie(form: str, clips: int, classes: int) -> None:
    network = Bare(FORMS[form], classes).eval().requires_grad_(False)
    shown = torch.rand(clips, 3, 8, 16, 16, generator=torch.Generator().manual_seed(1))
    wanted = network.told(shown).mean(1)
    torch.testing.assert_close(as_network(network).logits(shown), wanted)
    asked = shown.clone().requires_grad_()
    (slope,) = torch.autograd.grad(network.told(asked).mean(1)[:, -1].sum(), asked)
    found = attribute(network, shown, classes - 1, "gradients").attribution
    torch.testing.assert_close(found, slope, rtol=1e-3, atol=1e-6)


def test_that_times_come_before_classes_is_said(caplog: pytest.LogCaptureFixture) -> None:
    class Once(Bare):
        """What is said once is said of a name."""

    as_network(Once(FORMS["times before classes"], 5).eval()).logits(torch.rand(1, 3, 8, 16, 16))
    assert "Once: Assumed: its output 1 4 5 holds the scores of 5 classes at 4 times or places" in caplog.text


@pytest.mark.parametrize("clips", [1, 3])
def test_clips_along_the_second_axis_are_refused(clips: int) -> None:
    network = Bare(lambda told: told.transpose(0, 1), 5).eval()
    with pytest.raises(NetworkError, match="Bare returns the clips of a call along axis 1"):
        as_network(network).logits(torch.rand(clips, 3, 8, 16, 16))
