"""The method as the runner sees it: one unit per clip, its mean frame, and its brightness as a curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brightness.answer import BrightnessAnswer
from brightness.curve import CurveFigure
from brightness.method import BrightnessParameters
from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit, tensor
from reportgen.progress import Progress
from reportgen.records.figures import Figure, ImageFigure, Result


class BrightnessAnalysis:
    """One unit per clip."""

    def units(self, subject: Subject, parameters: BrightnessParameters) -> Sequence[Unit | Inapplicable]:
        """Return the shown clips."""
        return [
            Unit(f"{subject.model}/{clip.name}", clip.name, {"clip": clip.name}, inputs={"clip": clip.digest})
            for clip in subject.clips
        ]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: BrightnessParameters,
        answers: Answers,
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield how bright each clip is."""
        for unit in units:
            pixels = tensor(subject.clip(unit.clip))[0]
            answer = BrightnessAnswer(
                mean_brightness=float(pixels.mean()),
                bright_share=float((pixels > parameters.threshold).float().mean()),
            )
            figures: dict[str, Figure] = {
                "mean_frame": ImageFigure(pixels.mean(1).permute(1, 2, 0).numpy(), "Mean of all frames"),
                "brightness": CurveFigure(tuple(pixels.mean((0, 2, 3)).tolist()), "Brightness of each frame"),
            }
            yield unit, Result(answer, figures)
