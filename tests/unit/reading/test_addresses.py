"""Identities are addresses, and no two things share one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.reading.addresses import Addresses, folder_names, relative_link
from reportgen.records.identities import KernelId, TargetId, slug
from reportgen.records.targets import Target


def test_a_kernels_address_is_its_identity() -> None:
    kernel = KernelId(model="i3d", layer="s3.pathway0_res0.branch2.c", index=42)
    assert Addresses("i3d", [kernel.layer], []).kernel(kernel) == f"{kernel}.md"


def test_a_class_on_a_clips_address_is_its_identity() -> None:
    asked = TargetId(model="i3d", clip="tennis", target=Target.of(3))
    assert Addresses("i3d", [], ["tennis"]).pyramid("tennis", Target.of(3)) == f"{asked}.md"


@given(st.lists(st.text(max_size=8), unique=True, max_size=12), st.lists(st.text(max_size=8), unique=True, max_size=6))
def test_layers_and_clips_never_share_a_folder(layers: list[str], clips: list[str]) -> None:
    addresses = Addresses("m", layers, clips)
    found = [addresses.layer(layer) for layer in layers] + [addresses.clip(clip) for clip in clips]
    found += [addresses.file("media/index.md"), addresses.file("records/index.md"), addresses.analysis("index")]
    assert len({uri.casefold() for uri in found}) == len(found)
    assert all(uri.startswith("m/") and ".." not in uri.split("/") for uri in found)


def test_names_that_differ_in_case_get_folders_that_differ_in_more() -> None:
    assert folder_names(["Conv", "conv", "conv-2"], ["media"]) == ["Conv", "conv-2", "conv-2-2"]
    assert folder_names(["media"], ["media"]) == ["media-2"]


def test_no_folder_has_the_name_of_a_page_or_of_a_file_beside_it() -> None:
    layers = ["index.md", "audit.html", "run.json", "a.MD"]
    addresses = Addresses("m", layers, [], ["Probe", "probe", "pro be"])
    assert {addresses.layer(layer).split("/")[1] for layer in layers} == {
        "index.md_",
        "audit.html_",
        "run.json_",
        "a.MD_",
    }
    analyses = [addresses.analysis(name) for name in ("Probe", "probe", "pro be")]
    assert analyses == ["m/analysis/Probe.md", "m/analysis/probe-2.md", "m/analysis/pro-be.md"]


def test_long_names_that_begin_alike_get_folders_that_fit_and_differ() -> None:
    long = ["a" * 300 + end for end in ("x", "y")]
    found = folder_names(long)
    assert len(set(found)) == 2
    assert all(len(name) <= 120 for name in found)
    assert folder_names(long) == found
    assert slug("é" * 300) == "unnamed"


@pytest.mark.parametrize(
    ("here", "target", "link"),
    [
        ("index.md", "methods.md", "methods.html"),
        ("m/l/0001.md", "index.md", "../../index.html"),
        ("m/l/0001.md", "m/l/0002.md", "0002.html"),
        ("m/index.md", "m/media/a b#c.webp", "media/a%20b#c.webp"),
        ("m/index.md", "methods.md#limits", "../methods.html#limits"),
    ],
)
def test_links_are_relative(here: str, target: str, link: str) -> None:
    assert relative_link(here, target) == link
