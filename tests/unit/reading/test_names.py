"""Titles and folders of one report: no two networks have the same."""

from __future__ import annotations

from reportgen.reading.names import report_folders, report_titles, run_title
from reportgen.records.card import ClipSpec, ModelCard
from reportgen.records.manifest import Environment, Run, SourceFacts, WeightsFacts

CLIP = ClipSpec(frames=1, height=1, width=1, mean=(0.0,) * 3, std=(1.0,) * 3)
PLACE = Environment(reportgen="0", python="3", torch="2", numpy="2", platform="Linux", device="CPU", threads=1)


def run(
    model: str = "make", digest: str = "a", file: str | None = None, source: str | None = None, title: str | None = None
) -> Run:
    return Run(
        model=model,
        title=title,
        card=ModelCard(name="make", title="A network", clip=CLIP),
        weights=WeightsFacts(sha256=digest * 64, file=file, untrained=file is None),
        source=SourceFacts(file=source),
        environment=PLACE,
        started="now",
    )


def test_one_network_has_its_own_name_and_title() -> None:
    assert (report_folders([run()]), report_titles([run()])) == (["make"], ["A network"])


def test_titles_that_are_alike_have_the_fact_that_tells_them_apart() -> None:
    files = [run(file="epoch1.pth"), run(file="epoch2.pth"), run()]
    assert report_titles(files) == ["A network (epoch1.pth)", "A network (epoch2.pth)", "A network (untrained)"]
    assert report_titles([run(source="a.py"), run(source="b.py")]) == ["A network (a.py)", "A network (b.py)"]
    seeds = [run(digest="a", source="a.py"), run(digest="b", source="a.py")]
    assert report_titles(seeds) == ["A network (weights aaaaaaaa)", "A network (weights bbbbbbbb)"]
    mixed = [*seeds, run(digest="a", source="b.py")]
    assert report_titles(mixed)[2] == "A network (b.py, weights aaaaaaaa)"
    assert len({title.casefold() for title in report_titles([run(), run(), run(digest="b")])}) == 3


def test_a_given_name_is_the_title() -> None:
    assert report_titles([run(title="Before"), run(title="After"), run()]) == ["Before", "After", "A network"]


def test_folders_do_not_depend_on_the_order_of_runs() -> None:
    """Runs of two machines may have one name; links to their pages must last."""
    first, second, other = run(digest="a"), run("Make", digest="b"), run("other")
    assert report_folders([first, second, other]) == ["make-aaaaaaaa", "Make-bbbbbbbb", "other"]
    assert report_folders([other, second, first]) == ["other", "Make-bbbbbbbb", "make-aaaaaaaa"]


def test_copies_of_a_run_and_names_of_the_site_s_own_files_get_a_number() -> None:
    assert report_folders([run(), run()]) == ["make-aaaaaaaa", "make-aaaaaaaa-2"]
    assert report_folders([run("assets"), run("search")]) == ["assets-2", "search-2"]


def test_a_blank_title_is_the_name_and_line_breaks_are_spaces() -> None:
    assert run_title(run().model_copy(update={"title": " \n "})) == "A network"
    bare = run().model_copy(update={"title": None, "card": run().card.model_copy(update={"title": "\u00a0"})})
    assert run_title(bare) == bare.model
    assert run_title(run().model_copy(update={"title": "a\n# b\u2028c"})) == "a # b c"
