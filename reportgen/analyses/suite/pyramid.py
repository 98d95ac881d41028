"""Class Feature Pyramids: which kernels, through which kernels, make a class on a clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportgen.analyses.base import Answers, Inapplicable, Parameters, Subject, Unit
from reportgen.analyses.pyramid import class_pyramid
from reportgen.analyses.suite.targets import class_name, class_units
from reportgen.progress import Progress
from reportgen.records.figures import Result

#: Parameters of the causal check; the others are those of `class_pyramid`.
_CHECK = ("draws",)


class PyramidAnalysis:
    """One unit per clip and class; all share one connection graph."""

    name = "pyramid"
    title = "Class Feature Pyramid"
    version = 1
    after: tuple[str, ...] = ()
    choosing: tuple[str, ...] = ()

    def units(self, subject: Subject, parameters: Parameters) -> Sequence[Unit | Inapplicable]:  # noqa: ARG002
        """Return every clip and class."""
        return class_units(subject)

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: Parameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield the pyramid of each class."""
        options = {name: value for name, value in parameters.items() if name not in _CHECK}
        with progress.task(f"pyramid of {units[0].parameters['clip']}", len(units)) as task:
            for unit in units:
                clip = subject.clip(str(unit.parameters["clip"]))
                index = int(unit.parameters["class"])
                found = class_pyramid(subject.network, clip.pixels, index, **options)
                yield unit, Result({}, {"logit": found.logit, "class": class_name(subject, index)})
                task.advance()
