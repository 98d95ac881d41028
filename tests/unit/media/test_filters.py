"""Pictures of filters: every slice in its place, and one tile for each filter."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.media.filters import FILTER_GAP, filter_sheet, tiles

WHITE, DARK_RED, DARK_BLUE = (255, 255, 255, 255), (0x6B, 0x0A, 0x0F, 255), (0x0B, 0x2A, 0x80, 255)


def test_every_weight_of_every_slice_is_in_its_place() -> None:
    volumes = np.zeros((2, 2, 3, 4, 5))
    volumes[1, 0, 2, 1, 3] = 2.0
    volumes[0, 1, 0, 3, 4] = -7.0
    sheet = filter_sheet(volumes, 2.0)
    width = 3 * 6  # three taps in time of five columns, each with a gap
    assert sheet.shape == (2 * 5 - 1, 2 * width + FILTER_GAP - 1, 4)
    red = [tuple(place) for place in np.argwhere((sheet == DARK_RED).all(-1)).tolist()]
    blue = [tuple(place) for place in np.argwhere((sheet == DARK_BLUE).all(-1)).tolist()]
    assert red == [(1, width + FILTER_GAP + 2 * 6 + 3)]
    assert blue == [(5 + 3, 4)], "beyond the scale it is the end of the colours"
    assert int((sheet == WHITE).all(-1).sum()) == volumes.size - 2
    assert int((sheet[..., 3] == 0).sum()) == sheet[..., 0].size - volumes.size, "between the slices it is transparent"


@pytest.mark.parametrize(("volumes", "scale"), [(np.zeros((1, 1, 1, 1)), 1.0), (np.full((1,) * 5, np.nan), 1.0)])
def test_what_is_no_volume_is_refused(volumes: np.ndarray, scale: float) -> None:
    with pytest.raises(ValueError, match="volumes must be finite"):
        filter_sheet(volumes, scale)


def test_tiles_go_row_by_row_from_the_least_to_the_most() -> None:
    picture = tiles(np.array([3.0, 1.0, 5.0, 2.0, 4.0]))
    assert picture.shape == (2, 3, 4)
    assert picture[..., 3].tolist() == [[255, 255, 255], [255, 255, 0]]
    assert picture[0, 1, :3].tolist() == [0, 0, 4]  # the minimum
    assert picture[0, 2, :3].tolist() == [252, 253, 191]  # the maximum
    lightness = picture[..., :3].astype(int).sum(-1).reshape(-1)[:5]
    assert np.argsort(lightness).tolist() == [1, 3, 0, 4, 2]
    assert (tiles(np.ones(4))[..., :3] == [0, 0, 4]).all()
