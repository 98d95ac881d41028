"""What `torch.export` gives is asked as the network that it was made of: its layers are found, and answer alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from reportgen import Network, attribute, class_pyramid, maximize_activation
from reportgen.analyses.common.responses import kernel_responses
from reportgen.networks.kernels.layers import describe_layers

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
"""The exporter warns of itself."""

SHAPE, CLASSES = (4, 10, 12), 5


class Pathways(nn.Module):
    """A stem that a clip and its mirror image share, a norm with gains of both signs, and frames folded behind it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.norm = nn.Conv3d(3, 4, 3, padding=1, bias=False), nn.BatchNorm3d(4)
        self.frames, self.head = nn.Conv2d(4, 6, 3, stride=2), nn.Linear(12, CLASSES)
        self.norm.weight.data = torch.tensor([1.0, -1.0, 0.5, -0.5])

    def forward(self, clips: Tensor) -> Tensor:
        found = []
        for view in (clips, clips.flip(4)):
            maps = torch.relu(self.norm(self.stem(view)))
            rows = torch.relu(self.frames(maps.transpose(1, 2).flatten(0, 1)))
            found.append(rows.mean((2, 3)).view(clips.shape[0], -1, 6).mean(1))
        scores: Tensor = self.head(torch.cat(found, 1))
        return scores


def clips(count: int) -> Tensor:
    return torch.rand((count, 3, *SHAPE), generator=torch.Generator().manual_seed(1))


def exported(network: nn.Module, *, any_number: bool) -> torch.export.ExportedProgram:
    shapes = ({0: torch.export.Dim("clips", min=1, max=64)},) if any_number else None
    return torch.export.export(network, (clips(3 if any_number else 1),), dynamic_shapes=shapes)


KINDS: dict[str, Callable[[torch.export.ExportedProgram], nn.Module]] = {
    "one graph": lambda program: program.module(),
    "a graph for each module": torch.export.unflatten,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "any_number"),
    [
        *(("one graph", True), ("a graph for each module", False)),
        *(
            pytest.param(*one, marks=pytest.mark.long)
            for one in (("one graph", False), ("a graph for each module", True))
        ),
    ],
)
def test_a_program_answers_as_the_network_it_was_made_of(kind: str, any_number: bool) -> None:
    network = Pathways().eval()
    program = KINDS[kind](exported(network, any_number=any_number))
    wanted = kernel_responses(network, clips(3), ["stem", "frames"])
    found = kernel_responses(program, clips(3), ["stem", "frames"])
    for layer, values in wanted.items():
        torch.testing.assert_close(found[layer], values, atol=1e-5, rtol=1e-4)
    for method in ("grad_cam", "guided_backprop"):
        one, other = (attribute(asked, clips(1), 1, method) for asked in (network, program))
        torch.testing.assert_close(other.attribution, one.attribution, atol=1e-5, rtol=1e-4)
    assert class_pyramid(program, clips(1), 1).kept() == class_pyramid(network, clips(1), 1).kept()
    fields = [
        {one.name: one.receptive_field for one in describe_layers(asked, clip_shape=(3, *SHAPE))}
        for asked in (network, program)
    ]
    assert fields[0] == fields[1]
    best = maximize_activation(program, "stem", [1], objective="firing", clip_shape=SHAPE, steps=6)
    own = kernel_responses(network, best.clips, ["stem"])["stem"][:, 1]
    torch.testing.assert_close(best.activations, own, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_that_lives_on_is_followed(kind: str) -> None:
    program = KINDS[kind](exported(Pathways().eval(), any_number=True))
    network = Network.from_module(program, frames=SHAPE[0], size=SHAPE[1:])
    with torch.no_grad():
        program.get_parameter("stem.weight").zero_()
    assert not kernel_responses(network, clips(1), ["stem"], objective="channel")["stem"].std()
    assert not any("Conv3d" in type(part).__name__ for part in program.modules()), "it is left as it was"


def test_weights_that_are_used_in_two_ways_are_a_layer_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.stem, self.head = nn.Conv3d(3, 4, 3, padding=1), nn.Linear(4, CLASSES)

        def forward(self, given: Tensor) -> Tensor:
            wide = nn.functional.conv3d(given, self.stem.weight, self.stem.bias, dilation=2, padding=2)
            return self.head(torch.relu(self.stem(given) - wide).mean((2, 3, 4)))

    network = Twice().eval()
    program = exported(network, any_number=True).module()
    torch.testing.assert_close(
        attribute(program, clips(1), 1, "gradients").attribution,
        attribute(network, clips(1), 1, "gradients").attribution,
    )
    found = kernel_responses(program, clips(2), ["stem"])["stem"]
    # The narrow one is added and the wide one taken away: each has the sign with which the ReLU reads it.
    by_hand = [
        sign * nn.functional.conv3d(clips(2), network.stem.weight, network.stem.bias, padding=p, dilation=p)
        for sign, p in ((1, 1), (-1, 2))
    ]
    assert any(torch.allclose(found, maps.relu().mean((2, 3, 4)), atol=1e-5) for maps in by_hand)
