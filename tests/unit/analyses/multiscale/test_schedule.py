"""The sizes through which a picture grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportgen.analyses.multiscale.schedule import (
    reachable_schedule,
    scale_sizes,
    scaled_shape,
    sizes_for,
    sizes_within_work,
)
from reportgen.config.reading import load_options
from reportgen.errors import NetworkError


class TestSizes:
    def test_a_size_is_the_integer_part_of_the_exact_product(self) -> None:
        assert scale_sizes(20, 1.15, 2) == (20, 23), "1.15 * 20 is 22.999... in binary"

    def test_small_sizes_grow_by_one_px_at_least(self) -> None:
        assert scale_sizes(2, 1.2, 4) == (2, 3, 4, 5)

    def test_a_network_of_the_published_clip_has_the_published_sizes(self) -> None:
        assert sizes_for((1, 224, 224)) == scale_sizes()
        assert sizes_for((32, 256, 340)) == scale_sizes()[:10]  # 284 px are the first that hold the clip
        assert sizes_for((32, 256, 340), count=12) == scale_sizes()

    def test_a_smaller_clip_begins_at_a_quarter_and_ends_with_the_first_size_that_holds_it(self) -> None:
        assert sizes_for((16, 64, 64)) == (16, 19, 22, 26, 31, 37, 44, 52, 62, 74)

    def test_what_is_asked_for_goes_before_what_suits_the_clip(self) -> None:
        assert sizes_for((16, 64, 64), start=30, count=2) == (30, 36)

    def test_time_grows_as_the_sides_do(self) -> None:
        assert scaled_shape((16, 64, 64), 32) == (8, 32, 32)
        assert scaled_shape((16, 64, 96), 128) == (32, 128, 192)
        assert scaled_shape((16, 96, 64), 32) == (8, 48, 32)
        assert scaled_shape((1, 224, 224), 408) == (1, 408, 408)

    def test_the_largest_sizes_are_left_out_where_work_is_bounded(self) -> None:
        # A size of 32 costs an eighth of a native step, one of 64 a whole one.
        assert sizes_within_work((16, 64, 64), (32, 64), 20, 1.0, 2.5) == 1
        assert sizes_within_work((16, 64, 64), (32, 64), 20, 1.0, 22.5) == 2
        assert sizes_within_work((16, 64, 64), (32, 64), 20, 1.0, 0.1) == 1


class TestReach:
    def test_a_network_that_takes_everything_has_all_sizes(self) -> None:
        found = reachable_schedule((1, 64, 64), (16, 19, 22), lambda _: True, "layer")
        assert [shape[1] for shape in found.shapes] == [16, 19, 22]
        assert not found.notes

    @pytest.mark.parametrize("least", [17, 18, 19, 20, 30])
    def test_it_begins_at_the_least_size_that_reaches_the_layer(self, least: int) -> None:
        sizes = scale_sizes(16, 1.2, 6)
        found = reachable_schedule((1, 64, 64), sizes, lambda shape: shape[1] >= least, "layer")
        assert [shape[1] for shape in found.shapes] == [least, *(size for size in sizes if size > least)]
        assert found.notes == (f"Begins at {least} px, not at 16: the layer cannot be reached on less.",)

    def test_frames_stay_where_the_network_takes_no_other_number(self) -> None:
        found = reachable_schedule((16, 64, 64), (32, 64), lambda shape: shape[0] == 16, "layer")
        assert found.shapes == ((16, 32, 32), (16, 64, 64))
        assert found.notes == ("Frames stay 16 where the network takes no other number.",)

    def test_frames_never_become_fewer(self) -> None:
        found = reachable_schedule((16, 64, 64), (16, 19, 22, 74), lambda shape: shape[0] > 4, "layer")
        frames = [shape[0] for shape in found.shapes]
        assert frames == sorted(frames)

    def test_sizes_that_the_network_refuses_are_left_out_and_named(self) -> None:
        found = reachable_schedule((1, 64, 64), (16, 19, 20), lambda shape: shape[1] % 4 == 0, "layer")
        assert [shape[1] for shape in found.shapes] == [16, 20]
        assert found.notes == ("Without 19 px, which the network does not take.",)

    def test_a_network_of_one_size_grows_at_that_size(self) -> None:
        found = reachable_schedule((1, 64, 64), (16, 19), lambda shape: shape == (1, 64, 64), "layer")
        assert found.shapes == ((1, 64, 64),)
        assert found.notes

    def test_a_layer_that_nothing_reaches_is_an_error(self) -> None:
        with pytest.raises(NetworkError, match="cannot be reached"):
            reachable_schedule((1, 64, 64), (16,), lambda _: False, "layer")


def test_the_configuration_of_the_article_asks_for_its_layers_filters_and_sizes() -> None:
    folder = Path(__file__).resolve().parents[4] / "docs"
    options = load_options({}, config=folder / "vgg16-article.toml")
    assert options.layers == tuple(f"features.{number}" for number in (7, 14, 20, 30, 40))
    assert options.kernel_selection().listed[:4] == (12, 16, 86, 110)
    own = options.method_parameters()["multiscale"].model_dump()
    assert scale_sizes(own["start"], own["growth"], own["sizes"]) == scale_sizes()
    assert (own["steps"], own["learning_rate"], own["weight_decay"], own["blur"]) == (20, 0.1, 1e-6, 5)
    assert own["work"] >= 20 * 3 * 15.5 * sum(size**2 for size in scale_sizes()) / 224**2, "no size is left out"
