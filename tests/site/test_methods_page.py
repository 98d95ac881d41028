"""The methods page says what the code does: its figures are those of tests and constants, its table the kept rates."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from reportgen.analyses.common.intervals import LEAST_INTERVAL_CLIPS
from reportgen.analyses.common.natural_path import DRIVERS
from reportgen.analyses.evidence.label_words import LEAST_WORD_CLIPS
from reportgen.analyses.evidence.word_nulls import FEWEST, MANY_CLIPS, PERMUTATIONS
from reportgen.analyses.faithfulness.controls import network_free_maps
from reportgen.analyses.faithfulness.hiding import CONTROLS, HIDDEN_BEHIND
from reportgen.analyses.faithfulness.map_checks import sensitivity
from reportgen.analyses.faithfulness.tubes import make_tubes
from reportgen.analyses.kernels.parameters import AscentParameters
from reportgen.analyses.pyramid.parameters import PyramidParameters
from reportgen.audit.limits import Limits
from reportgen.audit.null_rates import null_rates
from reportgen.pages.method_notes import METHOD_NOTES

ROOT = Path(__file__).resolve().parents[2]
PAGE = html.unescape((ROOT / "templates/pages/methods.md.j2").read_text(encoding="utf-8"))

STAGE1, DECOMPOSITION = "tests/truth/test_stage1.py", "tests/truth/test_decomposition.py"
CONCEPTS = "tests/truth/statistics/test_concept_tests.py"
SPEEDS = "tests/truth/test_planted_speeds.py"
MOTION, INTERVALS = "tests/truth/test_motion_audit.py", "tests/truth/statistics/test_intervals.py"

MULTISCALE = "tests/truth/test_multiscale.py"
PATTERNS = "tests/truth/test_pattern_words.py"

FIGURES = [
    ("cosine at least 0.999", STAGE1, "cosine(found.clips, weight).min() >= 0.999"),
    ("at least 0.97 of the best possible activation", STAGE1, "reached.min() >= 0.97"),
    ("after 256 steps", STAGE1, "steps=256, early_stop=False, **white(basis)"),
    ("at most 0.01 px/frame (still)", DECOMPOSITION, '"static": 0.01'),
    ("0.05 (translation)", DECOMPOSITION, '"translation": 0.05'),
    ("0.10 (rotation by 2° ", DECOMPOSITION, '"rotation": 0.10'),
    ("zoom by 1.5% per frame)", DECOMPOSITION, '"zoom": zooming(texture(4), 0.015)'),
    ("0.15 (two objects)", DECOMPOSITION, '"two objects": 0.15'),
    ("at least 40 dB, 35 for the last", DECOMPOSITION, ">= (35 if case == HIDES_WHAT_IT_PASSES else 40)"),
    ("per frame: 0.05 px/frame", DECOMPOSITION, "(middle[0, :, 0] - speed).abs().mean().item() < 0.05"),
    ("at least 0.95 of the best black-and-white grating", SPEEDS, "SMALL = ((5, 7, 7), 0.95, 0.2)"),
    ("at least 36 of 40 planted first-layer kernels", SPEEDS, "assert sum(held) >= 36"),
    ("at least 90% get the right word", PATTERNS, "right >= 0.9 * EACH * len(DRAWN)"),
    ("at most 4% of the words are wrong", PATTERNS, "wrong <= 0.04 * (right + wrong)"),
    ("a speed within 20%", "tests/truth/test_planted_headlines.py", "pytest.approx(1.0, rel=0.2)"),
    ("headline of four reports", "tests/site/test_headlines_are_true.py", '"another seed"'),
    ("that fire only from 0.8 of their best", "tests/truth/test_hardly_firing.py", '"filters": partial(filters, 0.8)'),
    ("response on, at least 0.9.", "tests/truth/test_hardly_firing.py", "(found.activations / best).min() >= 0.9"),
    ("precision and recall 1.00 at every layer", "tests/truth/test_pyramids.py", "== planted.kernels, seed"),
    ("adds up to the logit within 10⁻⁵", "tests/truth/test_pyramids.py", "abs(relevance - 1) <= 1e-5"),
    ("the change of the logit within 1%", "tests/truth/test_saliency.py", "found.completeness_error <= 0.01"),
    ("a hand-computed two-layer network to 10⁻⁶", "tests/truth/test_saliency.py", "BY_HAND[index], abs=1e-6"),
    ("leave 0 unexplained", "tests/truth/test_faithfulness.py", "true.unexplained == pytest.approx(0, abs=1e-6)"),
    ("has a reliance of 0,", MOTION, "audit.motion_reliance == pytest.approx(0.0, abs=1e-5)"),
    ("neighbouring frames 1,", MOTION, "audit.motion_reliance == pytest.approx(1.0, abs=1e-4)"),
    ("93 to 97 of 100", INTERVALS, "pytest.approx(0.95, abs=0.02)"),
    ("audits of 5, 10 and 20 clips", INTERVALS, '"clips", [5, 10, 20]'),
    ("rank 1 and an AUROC of at least 0.99", CONCEPTS, "layer.auroc[5] >= 0.99"),
    ("900 kernels that know nothing of the concept and 100 that do", CONCEPTS, "own[:, 900:] += AT_AUROC"),
    ("(AUROC 0.9,", CONCEPTS, "math.sqrt(2) * float(ndtri(0.9))"),
    ("50 + 50 clips), over 200 draws", CONCEPTS, "for _ in range(200)"),
    ("for at most 5% of kernels", "tests/truth/statistics/test_label_words.py", "said <= 0.05 * 5 * 64"),
    ("on the other half is 0.5 on", "tests/truth/statistics/test_selection.py", "mean == pytest.approx(0.5, abs="),
    ("it would be above 0.65", "tests/truth/statistics/test_selection.py", "sum(on_all) / len(on_all) > 0.65"),
    ("are at most 5% on average", CONCEPTS, "np.mean(false) <= 0.05 + 2 *"),
    ("at least 90% of the others", CONCEPTS, "np.mean(power) >= 0.9"),
    ("0.95 of the best grating's response", MULTISCALE, ">= 0.95 * best_grating("),
    ("with periods of 4 to 12 px", MULTISCALE, "for one in (4, 5, 6, 8, 12)]"),
    ("and so are fine ones", MULTISCALE, ">= 0.95 * best_grating(network, kernel, period)"),
    ("in float64 to a relative error of 10⁻⁶", "tests/truth/test_weight_gradients.py", "row.error <= 1e-6"),
    ("adjusted Rand index 1.0", "tests/truth/test_responses.py", "(labels, found[name].groups) == 1.0"),
    ("within 1/255", "tests/truth/test_marching.py", "np.abs(found[..., 0] - expected).max() <= 1"),
]  # fmt: skip


def known_answers() -> str:
    """The text of the page's known answers."""
    return " ".join(known.replace("*", "") for note in METHOD_NOTES for known in note.known)


def test_the_page_tells_every_known_answer_and_source_once() -> None:
    for word in ("known", "cites"):
        written = [
            (found[0], int(found[1] or 0)) for found in re.findall(rf'{{{{ {word}\("([\w-]+)"(?:, (\d))?\) }}}}', PAGE)
        ]
        kept = [(note.anchor, place) for note in METHOD_NOTES for place in range(len(getattr(note, word)))]
        assert written == kept


@pytest.mark.parametrize(("words", "file", "asserted"), FIGURES)
def test_a_known_answer_is_one_that_a_test_asserts(words: str, file: str, asserted: str) -> None:
    assert words in known_answers()
    assert asserted in (ROOT / file).read_text(encoding="utf-8")


def test_no_figure_of_a_known_answer_is_without_its_test() -> None:
    left = known_answers()
    for words, _, _ in FIGURES:
        left = left.replace(words, "")
    assert re.findall(r"\d[\d.,]*%?", left) == []


def test_the_constants_that_the_page_names_are_those_of_the_code() -> None:
    text = re.sub("<[^>]*>", "", PAGE)
    limits = Limits()
    assert f"{'×'.join(map(str, make_tubes((1000, 1000, 1000)).counts))} space-time boxes" in text
    assert (DRIVERS, "(the five strongest)" in text) == (5, True)
    assert (LEAST_INTERVAL_CLIPS, "interval from five clips on" in text) == (5, True)
    assert (limits.rank_p, "The path counts as natural with p at most 5%" in text.replace("*", "")) == (0.05, True)
    assert (limits.pathway_p, "A pathway passes with p at most 5% in both" in text.replace("*", "")) == (0.05, True)
    assert (limits.pathway_draws, PyramidParameters().draws) == (99, 99)
    assert "n under 99 nothing is said" in text.replace("*", "")
    assert sensitivity.__kwdefaults__["radius"] == 0.02
    assert "noise of at most 2% of the pixels' range" in text
    assert HIDDEN_BEHIND == ("blur", "mean_frame")
    assert "two baselines, the blurred clip and its mean frame" in text
    assert CONTROLS == 3
    assert (PERMUTATIONS, FEWEST, MANY_CLIPS, LEAST_WORD_CLIPS) == (999, 200, 1000, 5)
    assert "permuted 999 times (200 times from 1,000 clips on)" in text
    assert (limits.label_word, limits.label_q) == (0.9, 0.05)
    assert "from an AUROC of 0.9 and with q at most 5%" in text.replace("*", "")
    assert "three maps that see no network" in text
    assert network_free_maps.__name__  # what these are is tested beside them
    assert AscentParameters().power == 1.0
    assert "no single frequency is favoured" not in text.lower()
    assert "1/frequency" in text


def test_the_table_of_null_rates_is_the_kept_one_and_no_null_rate_is_above_what_is_asked_for() -> None:
    rates = null_rates()
    assert {row.name for row in rates.cases} >= {
        "natural_path",
        "seeds",
        "label_sentences",
        "pathways",
        "motion",
        "maps",
    }
    for row in rates.cases:
        assert row.null_rate.low <= row.nominal, f"{row.verdict} passes too often on nulls: {row.null_rate}"
        assert row.power.share >= 0.5, f"{row.verdict} seldom passes where it must: {row.power}"
