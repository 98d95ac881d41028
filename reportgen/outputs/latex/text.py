"""Text in which LaTeX reads no command, whatever a label says, and which breaks where a line ends.

It compiles with pdfLaTeX and its oldest fonts as well as with LuaLaTeX and XeLaTeX: a letter that pdfLaTeX cannot set
is told by its number (``\\reportchar``, defined in the preamble), and set as itself by the others.
"""

from __future__ import annotations

import re
import unicodedata

from reportgen.bidi import without_bidi

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "[": "{[}", "]": "{]}", "*": "{*}",
    "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_\allowbreak{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "\'\'", "`": r"\textasciigrave{}",
    "/": r"/\allowbreak{}",
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\ldots{}", "·": r"\textperiodcentered{}",
    "×": r"\ensuremath{\times}", "÷": r"\ensuremath{\div}", "±": r"\ensuremath{\pm}", "−": r"\ensuremath{-}",
    "°": r"\textdegree{}", "µ": r"\ensuremath{\mu}", "½": r"\ensuremath{\frac12}", "∞": r"\ensuremath{\infty}",
    "≤": r"\ensuremath{\leq}", "≥": r"\ensuremath{\geq}", "≈": r"\ensuremath{\approx}", "→": r"\ensuremath{\to}",
    "∂": r"\ensuremath{\partial}", "‖": r"\ensuremath{\|}", "⟨": r"\ensuremath{\langle}", "⟩": r"\ensuremath{\rangle}",
    "∇": r"\ensuremath{\nabla}", "∑": r"\ensuremath{\sum}", "⊙": r"\ensuremath{\odot}", "√": r"\ensuremath{\surd}",
    "§": r"\S{}", "¶": r"\P{}", "©": r"\textcopyright{}", "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}",
    "Ø": r"\O{}", "å": r"\aa{}", "Å": r"\AA{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}",
    "¡": "!`", "¿": "?`", "\u00a0": "~", "\u2009": r"\,", "\u202f": r"\,", "\u2011": "-", "\u00ad": r"\-",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0323": "d",
}  # fmt: skip
_GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψω", (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
    *("nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
), strict=True)) | dict(zip("ΓΔΘΛΞΠΣΦΨΩ", (
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
), strict=True))  # fmt: skip
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))

_KNOWN = {
    **_SIGNS,
    **{sign: rf"\ensuremath{{\{name}}}" for sign, name in _GREEK.items()},
    **{sign: rf"\ensuremath{{^{{{digit}}}}}" for sign, digit in _RAISED.items()},
    **{sign: rf"\ensuremath{{_{{{digit}}}}}" for sign, digit in _LOWERED.items()},
}

_JOINED = ("-", "'", "`")
"""Signs of which LaTeX makes another one where two of them stand together."""

_WORD = re.compile(r"\S+")
_LONGEST_CAPTION, _WIDEST = 2000, 10
"""Letters of a caption, and as how many one counts that may be told by its number: TeX measures 5.7 m at most."""

_LONG, _PIECE = 24, 8
"""Letters of a word from which it may be broken, and of its pieces."""

_BREAK = "\u200b"
"""Stands where a long word may be broken; it is no letter of a text."""
_KNOWN[_BREAK] = r"\allowbreak{}"


def tex(text: str) -> str:
    """Return text as LaTeX that sets it."""
    printable = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") else sign for sign in without_bidi(text)
    )
    found = ""
    for piece in map(_sign, unicodedata.normalize("NFC", _WORD.sub(_broken, printable))):
        found += "{}" + piece if found[-1:] in _JOINED and piece.startswith(found[-1:]) else piece
    return found


def tex_symbols(text: str) -> str:
    """Return text as `tex` does, what stands between asterisks in italics."""
    parts = text.split("*")
    if len(parts) % 2 == 0:
        return tex(text)
    return "".join(rf"\textit{{{tex(part)}}}" if place % 2 else tex(part) for place, part in enumerate(parts))


def tex_caption(text: str) -> str:
    """Return a caption as LaTeX; a longer one than LaTeX can measure, which sets it in one line first, is cut."""
    room = _LONGEST_CAPTION
    for place, sign in enumerate(text):
        room -= 1 if sign.isascii() else _WIDEST
        if room < 0:
            return tex(f"{text[:place]}…")
    return tex(text)


def slug_of(text: str) -> str:
    """Return what may stand in a label and in a file's name: small letters, digits and dashes."""
    return re.sub(r"[^0-9a-z]+", "-", text.lower()).strip("-") or "part"


def _broken(match: re.Match[str]) -> str:
    word = match[0]
    if len(word) <= _LONG:
        return word
    return _BREAK.join(word[at : at + _PIECE] for at in range(0, len(word), _PIECE))


def _sign(sign: str) -> str:
    known = _KNOWN.get(sign)
    return known if known is not None else sign if sign.isascii() else _accented(sign)


def _accented(sign: str) -> str:
    """Return a letter as LaTeX composes it from its base and its accent; by its number where it cannot."""
    parts = unicodedata.normalize("NFD", sign)
    if len(parts) == 2 and parts[1] in _ACCENTS and parts[0].isascii() and parts[0].isalpha():
        base, accent = parts[0], _ACCENTS[parts[1]]
        dotless = base in "ij" and accent not in "cd"
        return f"\\{accent}{{{'' if not dotless else chr(92)}{base}}}"
    return rf"\reportchar{{{ord(sign):04X}}}"
