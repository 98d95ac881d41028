"""Every error that a user can meet, each with its own exit code.

An error's message is one sentence that says what is wrong and what to do about it. The command line prints it
after ``Error:`` and exits with ``exit_code``; from Python it is an ordinary exception. Options that it mentions
(`reportgen.wording.option`) are flags there and keyword arguments here.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from reportgen.bidi import without_bidi
from reportgen.wording import CALLS, COMMAND_LINE, SPOKEN, Dialect, in_pieces, worded

#: Said where memory ran out and nothing smaller can be tried by itself.
MEMORY_RAN_OUT = "Memory ran out: choose a smaller clip, fewer kernels, or a larger device."


class ReportgenError(Exception):
    """Base of all errors that are the situation's fault and not the program's."""

    exit_code = 10

    def __init__(self, message: str = "") -> None:
        self._told = one_line(message)
        self._dialect: Dialect | None = None
        super().__init__(worded(self._told, CALLS))

    def __str__(self) -> str:
        spoken = SPOKEN.get()
        return worded(self._told, spoken if spoken is COMMAND_LINE or self._dialect is None else self._dialect)

    def spoken_in(self, dialect: Dialect) -> None:
        """Name options as the call does that the error leaves."""
        self._dialect = dialect
        self.args = (worded(self._told, dialect),)


class OptionError(ReportgenError):
    """An option, a configuration file or a combination of options is not valid."""

    exit_code = 11


class UnknownNameError(OptionError):
    """A model, layer, class, analysis or preset of that name does not exist."""

    exit_code = 12


class EmptySelectionError(OptionError):
    """A selector matches nothing."""

    exit_code = 13


class CardError(ReportgenError):
    """A model card or the architecture that it names is not valid."""

    exit_code = 14


class WeightsError(ReportgenError):
    """Weights are missing, damaged, hostile or of another network."""

    exit_code = 15


class ClipError(ReportgenError):
    """A clip does not exist, cannot be decoded, or is too short."""

    exit_code = 16


class DeviceError(ReportgenError):
    """The device that was asked for is not there."""

    exit_code = 17


class NetworkError(ReportgenError):
    """A network cannot do what an analysis asks of it (no classes, a clip of the wrong size, ...)."""

    exit_code = 18


class NoAnswerError(NetworkError):
    """An analysis has no answer for a network of this kind: its job is skipped, and is no failure."""

    exit_code = 26


class OutOfMemoryError(ReportgenError):
    """Memory ran out although the batch was reduced as far as it goes."""

    exit_code = 19


class OutputError(ReportgenError):
    """Standard output is closed, or whatever it is sent to is full."""

    exit_code = 25


class StoreError(ReportgenError):
    """A run cannot be read or written (no space, no permission, foreign or damaged files)."""

    exit_code = 20


class RenderError(ReportgenError):
    """The site cannot be built from the runs."""

    exit_code = 21


class JobsFailedError(ReportgenError):
    """The build finished, but some of its jobs failed."""

    exit_code = 22


class CheckError(ReportgenError):
    """A figure of the audit misses its threshold."""

    exit_code = 24


class PublishError(ReportgenError):
    """A site cannot be published: no git, a remote that refuses, a branch of somebody else, or GitHub's limits."""

    exit_code = 27


class ForbiddenWordError(ReportgenError):
    """A finished report holds a word that it must not: a name of this machine, or one that the user forbids."""

    exit_code = 31


class FetchError(ReportgenError):
    """Weights could not be downloaded."""

    exit_code = 23


class ArchiveError(ReportgenError):
    """What is to be checked or compared is no report, or an archive that must not be unpacked."""

    exit_code = 30


class DifferenceError(ReportgenError):
    """Two reports differ by more than noise."""

    exit_code = 29


class VerificationError(ReportgenError):
    """A report was changed, contradicts itself, or says what its network does not."""

    exit_code = 28


def for_pages(error: ReportgenError) -> str:
    """Return what a page says of an error, which is the same whoever computed the run."""
    with speaking(COMMAND_LINE):
        return str(error)


@contextmanager
def speaking(dialect: Dialect) -> Iterator[None]:
    """Let options be named in this dialect, in what is said within it and in errors that leave it.

    On the command line, and in what is stored for pages, all that is called from there speaks of flags.
    """
    if SPOKEN.get() is COMMAND_LINE:
        yield
        return
    token = SPOKEN.set(dialect)
    try:
        yield
    except ReportgenError as error:
        error.spoken_in(dialect)
        raise
    finally:
        SPOKEN.reset(token)


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that are most like `name`, the nearest first; empty when none is near."""
    lowered = {candidate.lower(): candidate for candidate in known}
    return [lowered[match] for match in difflib.get_close_matches(name.lower(), list(lowered), n=3, cutoff=0.5)]


def unknown_name(kind: str, name: str, known: Iterable[str], *, hint: str = "") -> UnknownNameError:
    """Return the error for an unknown name, with the nearest known ones.

    `hint` is a full sentence to end with, such as which command lists the names.
    """
    names = sorted(set(known))
    near = near_names(name, names)
    if near:
        advice = f"did you mean {' or '.join(near)}?"
    elif len(names) <= 8:
        advice = f"known are {', '.join(names) or 'none'}."
    else:
        advice = f"known are {', '.join(names[:8])} and {len(names) - 8} more."
    return UnknownNameError(f"There is no {kind} named {name!r}: {advice}{' ' + hint if hint else ''}")


def printable(text: str) -> str:
    """Return text that can be written anywhere: bytes of a file's name that are no UTF-8 as replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def one_line(text: str) -> str:
    """Return text as one line that does nothing to a terminal, whatever names a file brought into it.

    Line ends become spaces; controls of the direction of writing are told by their numbers, and what else is no sign to
    be seen, such as escapes, is replaced.
    """
    words = " ".join(part.strip() for part in printable(text).splitlines())
    return "".join(part if mention else _visible(part) for part, mention in in_pieces(words))


def _visible(text: str) -> str:
    shown = without_bidi(text)
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign)[0] == "C" else sign for sign in shown)


def a_type(value: object) -> str:
    """Return the name of a value's type with its article, as in "an int" and "a str"."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOaeio' or name == 'ndarray' else 'a'} {name}"
