"""The files of the build folder: pages as Markdown, what lies beside them, and what mkdocs is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from reportgen.outputs.model import data_address
from reportgen.pages.citing import citation_of, head_facts
from reportgen.pages.comparable import compare_index
from reportgen.pages.document import document_of
from reportgen.pages.finder import finder_index
from reportgen.pages.navigation import site_configuration
from reportgen.pages.page import Asset, DataFile, MadeScript, Page, ScriptData, SocialCard
from reportgen.pages.places import PageAddresses
from reportgen.pages.report import Report
from reportgen.pages.templating import Templates
from reportgen.records.files import write_text
from reportgen.records.jobs import content_digest
from reportgen.site_files import copy_file, write_asset, write_page
from reportgen.site_reuse import Writer

CONFIGURATION = "mkdocs.yml"


class Intermediate(NamedTuple):
    """What writes a file, and the digest of what it is made from, where that is known without writing it."""

    write: Writer
    key: str = ""


def site_intermediates(
    report: Report,
    pages: list[Page],
    site: Path,
    build_dir: Path,
    instead: Callable[[Asset], Asset],
    templates: Templates,
) -> dict[str, Intermediate]:
    """Return the intermediate files by their path in `build_dir`, from the templates and what lies beside them.

    `instead` says what is written in place of a file.
    """
    files: dict[str, Intermediate] = {}
    source = templates.folder
    for folder, place in (("assets", "docs/assets"), ("overrides", "overrides")):
        for path in sorted((source / folder).rglob("*")):
            if path.is_file():
                name = f"{place}/{path.relative_to(source / folder).as_posix()}"
                files[name] = Intermediate(partial(copy_file, path))
    assets = list(_assets(report, pages))
    for asset in assets:
        written = instead(asset)
        key = written.key if isinstance(written, MadeScript | DataFile | SocialCard) else ""
        files[f"docs/{asset.uri}"] = Intermediate(partial(write_asset, written), key)
    places = PageAddresses.of(pages, (asset.uri for asset in assets))
    known = content_digest([sorted(places.known), sorted(places.files)])
    for page in pages:
        write = partial(write_page, page, places, templates, selected=report.selected)
        files[f"docs/{page.uri}"] = Intermediate(write, content_digest([page.key, known]) if page.key else "")
    configuration = site_configuration(
        source / "mkdocs.yml",
        pages,
        name=report.title,
        site=Path(os.path.relpath(site.resolve(), build_dir.resolve())).as_posix(),
        citation=head_facts(citation_of(report), anonymous=report.anonymous),
    )
    files[CONFIGURATION] = Intermediate(partial(write_text, text=configuration))
    return files


def _assets(report: Report, pages: list[Page]) -> Iterator[Asset]:
    for model in report.models:
        yield from model.files()
        yield from model.exports()
    seen: dict[str, Asset] = {}
    for page in pages:
        seen.update({asset.uri: asset for asset in page.assets})
    yield from seen.values()
    compared = [(page.uri, page.compared) for page in pages if page.compared]
    yield ScriptData("assets/data/compare.js", "compare", compare_index(compared))
    keys = {page.uri: page.key for page in pages}
    for section in document_of(report.title, pages).sections:
        key = keys[section.address]
        yield from (DataFile(data_address(section.address, table.name), table, key) for table in section.data())
    yield ScriptData(
        "assets/data/finder.js",
        "assets/data/finder",
        {"pages": finder_index(pages), "kernels": [model.addresses.folder for model in report.models if model.census]},
    )
