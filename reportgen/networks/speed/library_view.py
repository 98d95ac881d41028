"""Channels-last maps as the vendor library is quickest at them: the same values, seen as another shape."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


class LibraryView:
    """Maps as they are."""

    def laid(self, maps: Tensor) -> Tensor:
        """Return channels-last maps as the library is to see them."""
        return maps

    def lifted(self, laid: Tensor) -> Tensor:
        """Return maps of what the library has computed."""
        return laid


@dataclass(frozen=True)
class FramesAsPictures(LibraryView):
    """Maps `N C T H W` of `count` clips as pictures `N*T C H W`."""

    count: int

    def laid(self, maps: Tensor) -> Tensor:
        """Return the frames as pictures."""
        return maps.transpose(1, 2).flatten(0, 1)

    def lifted(self, laid: Tensor) -> Tensor:
        """Return clips of the pictures."""
        return laid.view(self.count, -1, *laid.shape[1:]).transpose(1, 2)


@dataclass(frozen=True)
class PositionsInARow(LibraryView):
    """Maps `N C T H W` as pictures `N C T H*W`, of a `space` H W."""

    space: tuple[int, int]

    def laid(self, maps: Tensor) -> Tensor:
        """Return all positions of a frame in a row."""
        return maps.flatten(3)

    def lifted(self, laid: Tensor) -> Tensor:
        """Return the rows as frames."""
        return laid.view(*laid.shape[:3], *self.space)


AS_THEY_ARE = LibraryView()
