"""What the documentation says can be typed is run; what cannot be is at least spelt right."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reportgen.cli import cli
from tests.docs.snippets import DOCS, ROOT, RUN, WRITTEN, Snippet, execute, pages, prepare, snippets

ALL = [snippet for page in pages() for snippet in snippets(page)]
RUNNING = [page for page in pages() if any(one.language in RUN and not one.reason for one in snippets(page))]


def commands_of(text: str) -> Iterator[list[str]]:
    """Yield the words of each call of reportgen in lines of a shell."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if re.fullmatch(r"[();<>|&]+", word):
                if words[:1] == ["reportgen"]:
                    yield words[1:]
                words = []
            else:
                words.append(word)


def check_spelling(words: list[str]) -> None:
    """Raise click's error for a command or an option that does not exist."""
    name, command, rest = cli.resolve_command(click.Context(cli), list(words))
    assert command is not None
    if "--help" not in rest:
        command.make_context(name, rest).close()


@pytest.mark.parametrize("snippet", ALL, ids=lambda one: f"{one.page}: {one.text.splitlines()[0][:40]}")
def test_each_snippet_is_one_that_can_be_checked(snippet: Snippet) -> None:
    if snippet.reason is None and snippet.title is None:
        assert snippet.language in {*RUN, "text", ""}, "mark it as `<!-- not run: why -->`, or give it a title"
    if snippet.title is not None:
        assert snippet.language in WRITTEN
    if snippet.language not in RUN:
        assert (
            not re.search(r"^(\$ )?(reportgen|make|pip|git) ", snippet.text, re.MULTILINE) or snippet.language == "text"
        )
    if snippet.language == "bash":
        for words in commands_of(snippet.text):
            check_spelling(words)
    if snippet.language == "python":
        ast.parse(snippet.text)


def test_the_readme_s_commands_are_spelt_right() -> None:
    blocks = re.findall(
        r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    found = [words for block in blocks for words in commands_of(block)]
    assert len(found) > 40
    for words in found:
        check_spelling(words)


def test_a_misspelt_option_is_found() -> None:
    with pytest.raises(click.NoSuchOption):
        check_spelling(next(commands_of("reportgen publish \\\n    --puhs | cat")))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what snippets name, and the quick report on the bundled network, which most of them begin with."""
    folder = tmp_path_factory.mktemp("docs") / "start"
    folder.mkdir()
    prepare(folder)
    done = execute(Snippet("", "bash", "reportgen build --preset quick --quiet", None, None), folder)
    assert done is not None
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.long
@pytest.mark.parametrize("page", RUNNING, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_the_snippets_of_a_page_run_in_their_order(page: Path, built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "start"
    shutil.copytree(built, folder)
    shutil.copytree(built.with_name("start-there.git"), tmp_path / "start-there.git")
    for snippet in snippets(page):
        done = execute(snippet, folder)
        assert done is None or done.returncode == 0, f"{snippet.text}\n{done.stdout}\n{done.stderr}"
