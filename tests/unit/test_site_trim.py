"""What of the theme no page needs is taken out of a site, and nothing else."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from reportgen.errors import RenderError
from reportgen.site_trim import trim_site, without_blanks


def test_the_themes_scripts_unused_rules_and_source_maps_go_and_the_rest_stays(tmp_path: Path) -> None:
    own = tmp_path / "assets" / "js" / "player" / "bar.js"
    own.parent.mkdir(parents=True)
    own.write_text("// why\n  // and how\n  x(); // y\n")
    (tmp_path / "assets" / "css").mkdir()
    (tmp_path / "assets" / "css" / "own.css").write_text(
        "/* why */\n.a :hover {\n  top: 1px;\n}\n\n.b, .c { left: 0; }\n"
    )
    style = tmp_path / "assets" / "stylesheets" / "main.css"
    style.parent.mkdir()
    style.write_text(".md-used{color:red}.md-unused{color:red}\n/*# sourceMappingURL=main.css.map */")
    (style.parent / "main.css.map").write_text("{}")
    (tmp_path / "index.html").write_text('<p class="md-used">a</p>\n')
    scripts = tmp_path / "assets" / "javascripts"
    for path in ("lunr/min/lunr.de.min.js", "workers/search.js", "workers/search.js.map", "bundle.js", "bundle.js.map"):
        (scripts / path).parent.mkdir(parents=True, exist_ok=True)
        (scripts / path).write_text("x();\n//# sourceMappingURL=bundle.js.map\n")
    (tmp_path / "media").mkdir()
    (tmp_path / "sitemap.xml.gz").write_bytes(b"differs by the day")
    (tmp_path / "media" / "theirs.map").write_text("kept")
    trim_site(tmp_path)
    left = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {
        "assets/css/own.css": "\n.a :hover{top: 1px;}.b, .c{left: 0;}",
        "assets/js/player/bar.js": "x(); // y\n",
        "assets/stylesheets/main.css": ".md-used{color:red}",
        "index.html": '<p class="md-used">a</p>\n',
        "media/theirs.map": "kept",
    }


@pytest.mark.parametrize(
    ("page", "shorter"),
    [
        ("<p>a\n\n  \n  b</p>", "<p>a\nb</p>"),
        ("<p>a  b</p>\n", "<p>a  b</p>\n"),
        ("<div>\n  <pre>\n\n  x\n\n</pre>\n\n</div>", "<div>\n<pre>\n\n  x\n\n</pre>\n</div>"),
        ("<script>\n\n  `a\n\n  b`</script>", "<script>\n\n  `a\n\n  b`</script>"),
        ("<textarea> \n \n</textarea> \n ", "<textarea> \n \n</textarea>\n"),
        ('<tr><th scope="row">a</th><td>1</td><td></td></tr>', '<tr><th scope="row">a<td>1<td></tr>'),
        ("<thead><tr><th>a</th></tr></thead>", "<thead><tr><th>a</tr></thead>"),
        ("<tr><td>1</td> <td>2</td>\n</tr>", "<tr><td>1</td> <td>2</td>\n</tr>"),
    ],
)
def test_blank_lines_go_where_they_mean_nothing(page: str, shorter: str) -> None:
    assert without_blanks(page) == shorter


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index.html").write_text("<p>\n\n</p>")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RenderError):
        trim_site(tmp_path)


class _Read(HTMLParser):
    """What a browser reads of a page: its tags with their attributes, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def test_signs_that_only_markdown_could_have_read_stand_as_themselves_and_pages_say_the_same() -> None:
    every = "".join(f"&#{number};" for number in range(32, 127))
    tricky = "&#38;&#35;60&#59; &#38;amp&#59; &#60;script&#62; it&#39;s &#34;so&#34;"
    page = f'<p title="{every}">{every} {tricky}</p><script>"&#35;"</script><pre>&#35;</pre>'
    shorter = without_blanks(page)
    assert _Read(shorter).found == _Read(page).found
    assert "&#35;" not in shorter.partition("<script>")[0].replace("&#38;&#35;", "")
    assert shorter.endswith('<script>"&#35;"</script><pre>&#35;</pre>')
    assert len(shorter) < len(page) - 150
