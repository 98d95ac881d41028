"""What is generated for the documentation is whole: every command, option, call, document and method."""

from __future__ import annotations

import sys

import click
import pytest

import reportgen
from reportgen.cli import cli
from reportgen.commands.methods import list_methods
from reportgen.commands.schema import schema
from tests.children import run
from tools.docs import build
from tools.docs.build import WRITTEN, generated_pages, linked
from tools.docs.calls import call_paths
from tools.docs.text import code


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return generated_pages()


@pytest.mark.parametrize("name", list(cli.commands))
def test_every_option_of_every_command_is_told(name: str, generated: dict[str, str]) -> None:
    page = generated[f"commands/{name}.md"]
    for option in cli.commands[name].params:
        if isinstance(option, click.Option):
            for spelling in (*option.opts, *option.secondary_opts):
                assert f"<code>{code(spelling)[len('<code>') : -len('</code>')]}" in page
    assert f"({name}.md)" in generated["commands/index.md"]


def test_every_public_name_has_its_place(generated: dict[str, str]) -> None:
    calls = "".join(text for address, text in generated.items() if address.startswith("calls/"))
    assert set(call_paths()) == set(reportgen.__all__) - {"__version__"}
    for name, path in call_paths().items():
        assert f"\n::: {path}\n" in calls
        assert f"#reportgen.{name} " in calls


def test_every_document_and_every_field_is_told(generated: dict[str, str]) -> None:
    for name, document in schema().items():
        page = generated[f"documents/{name}.md"]
        assert all(code(field) in page for field in document.get("properties", ()))
        assert f"({name}.md)" in generated["documents/index.md"]


def test_every_method_is_told_with_its_parameters(generated: dict[str, str]) -> None:
    page = generated["parameters.md"]
    for method in list_methods():
        section = page.partition(f"{{ #{method.name} }}")[2].partition("\n## ")[0]
        assert section
        assert all(f"| {code(parameter.name)} |" in section for parameter in method.parameters)
    assert "Known answer" in generated["methods.md"]


def test_links_to_files_of_the_repository_lead_to_pages_or_are_words() -> None:
    pages = {"architecture.md", "contributing.md", "tasks/publish.md", "cards.md"}
    text = "[a](docs/architecture.md) [b](../CONTRIBUTING.md#style) [c](reportgen/errors.py) [d](https://x.org/e)"
    assert linked(text, "contributing.md", pages) == (
        "[a](architecture.md) [b](contributing.md#style) c [d](https://x.org/e)"
    )
    assert (
        linked("[a](publish.md) [b](../cards.md)", "tasks/index.md", pages)
        == "[a](../tasks/publish.md) [b](../cards.md)"
    )


@pytest.mark.long
def test_the_documentation_is_built_strictly_and_has_every_name() -> None:
    pytest.importorskip("mkdocstrings", reason="the documentation's packages are not installed: pip install '.[docs]'")
    done = run([sys.executable, "-m", "tools.docs.build"], cwd=WRITTEN.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = "".join(path.read_text(encoding="utf-8") for path in (build.SITE / "calls").glob("*.html"))
    for name, path in call_paths().items():
        assert f'id="reportgen.{name}"' in pages
        assert f'id="{path}"' in pages
