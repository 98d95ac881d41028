"""A document as a folder of LaTeX: a file for each table and figure, and a minimal paper that takes them all in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reportgen.outputs.latex.tables import pictures_tex, table_tex
from reportgen.outputs.latex.text import slug_of, tex, tex_caption
from reportgen.outputs.model import (
    STATE_WORDS,
    DocumentBlock,
    FactList,
    FrameStrip,
    PictureTable,
    Prose,
    ReportDocument,
    ReportFigure,
    Section,
    Statement,
    Table,
)
from reportgen.outputs.paper.draw import Drawing, drawing

PREAMBLE = r"""% What the tables and figures of this folder need. In a paper of your own: \input{preamble}
\usepackage{array,booktabs,graphicx,longtable,textcomp}
\providecommand{\reporttablesize}{\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\LTcapwidth}{\linewidth}%
  \setlength{\belowcaptionskip}{4pt}\renewcommand{\arraystretch}{1.15}}
% A picture in a table: its share of the widest one's width, and its file.
\providecommand{\reportpicture}[2]{\includegraphics[width=\linewidth]{#2}}
% A letter that the paper's font may lack: LuaLaTeX and XeLaTeX set it where it is there, else its number is told.
\providecommand{\reportchar}[1]{%
  \ifdefined\Umathchar\iffontchar\font"#1 \symbol{"#1}\else\texttt{[U+#1]}\fi\else\texttt{[U+#1]}\fi\allowbreak}
"""

_STRIP_HEIGHT = 0.2
"""Of a finding's frames, as a share of the line's width."""

_LEVELS = ("section", "subsection", "subsubsection")

Print = Callable[[Drawing], bytes]
"""Returns a drawing as PDF."""

See = Callable[[FrameStrip], bytes]
"""Returns frames side by side as PNG."""


@dataclass
class LatexFolder:
    """The files of a paper by their path; `bibliography` is ``references.bib``."""

    printed: Print
    seen: See
    bibliography: str
    files: dict[str, bytes] = field(default_factory=dict)

    def write(self, document: ReportDocument) -> dict[str, bytes]:
        """Return all files of a document.

        Raises StoreError when a picture of a run is damaged.
        """
        body = "".join(self._section(section, 0, "") for section in document.sections)
        self.files["preamble.tex"] = PREAMBLE.encode()
        self.files["references.bib"] = self.bibliography.encode()
        self.files["main.tex"] = _main(document, body).encode()
        return self.files

    def _section(self, section: Section, level: int, before: str) -> str:
        prefix = before if section.blocks else f"{before}{slug_of(section.title)}-"
        parts = [f"\n\\{_LEVELS[min(level, 2)]}{{{tex(section.title)}}}\n\n"]
        parts += ["".join(self._block(block, prefix)) for block in section.blocks]
        parts += [self._section(part, level + 1, prefix) for part in section.parts]
        return "".join(parts)

    def _block(self, block: DocumentBlock, prefix: str) -> Iterator[str]:
        match block:
            case Prose(text=text, kind=kind):
                yield f"\\emph{{{tex(text)}}}\n\n" if kind in ("warning", "lead") else f"{tex(text)}\n\n"
            case FactList(rows=rows):
                yield "\\begin{description}\\setlength{\\itemsep}{0pt}\n"
                yield from (f"\\item[{tex(name)}] {tex(value)}\n" for name, value in rows)
                yield "\\end{description}\n\n"
            case Statement(title=title, state=state, text=text, picture=picture):
                yield f"\\paragraph{{{tex(title)} ({STATE_WORDS[state]})}} {tex(text)}\n\n"
                if picture:
                    yield self._seen(self._free("figures", prefix + slug_of(title)), picture)
            case Table() | PictureTable():
                yield self._kept(self._free("tables", prefix + slug_of(block.name)), block)
            case ReportFigure():
                yield self._drawn(self._free("figures", prefix + slug_of(block.name)), block)

    def _free(self, folder: str, name: str) -> str:
        """Return a name that no file of the folder has."""
        free, number = name, 1
        while f"{folder}/{free}.tex" in self.files:
            number += 1
            free = f"{name}-{number}"
        return free

    def _kept(self, name: str, table: Table | PictureTable) -> str:
        """Write a table, with the files that it shows, and return the line that takes it in."""
        label = f"tab:{name}"
        if isinstance(table, Table):
            text = table_tex(table, label)
        else:
            text = pictures_tex(table, label, lambda strip: self._picture(name, strip))
        self.files[f"tables/{name}.tex"] = f"% Needs preamble.tex.\n{text}".encode()
        return f"\\input{{tables/{name}}}\n\n"

    def _drawn(self, name: str, figure: ReportFigure) -> str:
        """Write a chart, and return the line that takes it in."""
        drawn = drawing(figure)
        self.files[f"figures/{name}.pdf"] = self.printed(drawn)
        width = f"{min(drawn.width / 182, 1):.3f}\\linewidth"
        self._figure(name, f"figures/{name}.pdf", width, figure.caption or figure.alt)
        return f"\\input{{figures/{name}}}\n\n"

    def _seen(self, name: str, strip: FrameStrip) -> str:
        """Write what is seen of a finding, and return the line that takes it in."""
        width = min(_STRIP_HEIGHT * strip.aspect, 1)
        self._figure(name, self._picture(name, strip), f"{width:.3f}\\linewidth", strip.alt)
        return f"\\input{{figures/{name}}}\n\n"

    def _figure(self, name: str, shown: str, width: str, caption: str) -> None:
        """Write a fragment that shows a file."""
        self.files[f"figures/{name}.tex"] = (
            "% Needs preamble.tex.\n\\begin{figure}[htbp]\n\\centering\n"
            f"\\includegraphics[width={width}]{{{shown}}}\n"
            f"\\caption{{{tex_caption(caption)}}}\n\\label{{fig:{name}}}\n\\end{{figure}}\n"
        ).encode()

    def _picture(self, name: str, strip: FrameStrip) -> str:
        number = sum(path.startswith(f"figures/{name}-") for path in self.files) + 1
        path = f"figures/{name}-{number:03d}.png"
        self.files[path] = self.seen(strip)
        return path


def _main(document: ReportDocument, body: str) -> str:
    return (
        "% A minimal paper that shows every table and figure here: pdflatex main, bibtex main, pdflatex main, twice.\n"
        "\\documentclass[a4paper]{article}\n\\usepackage[margin=20mm]{geometry}\n\\input{preamble}\n"
        f"\\title{{{tex(document.title)}}}\n\\author{{{tex(document.subtitle)}}}\n\\date{{}}\n"
        "\\begin{document}\n\\sloppy\n\\maketitle\n"
        f"{body}\n\\nocite{{*}}\n\\bibliographystyle{{plain}}\n\\bibliography{{references}}\n\\end{{document}}\n"
    )
