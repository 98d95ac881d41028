"""What the methods page and the summary say of every method: the known answer that its code must reach, and sources.

Words between asterisks are symbols, which outputs set in italics.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class MethodNote:
    """A section of the methods page: its anchor, its title, and the analyses that it is about.

    `known` are its known answers, `cites` its sources in words, `references` their keys in ``paper/methods.bib``.
    `cases` are the small ones of the known answers that are computed with a report, in the same order; none is the one
    of the anchor's name.
    """

    anchor: str
    title: str
    analyses: tuple[str, ...]
    known: tuple[str, ...]
    cites: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()

    def case(self, place: int) -> str:
        """Return the case of a known answer (see `reportgen.analyses.known_answers`)."""
        return self.cases[place] if self.cases else self.anchor


METHOD_NOTES = (
    MethodNote(
        "kernels",
        "Activation maximisation",
        ("kernels",),
        known=(
            (
                "A planted kernel *w* under a norm constraint has the optimum *w*/‖*w*‖: cosine at least 0.999. In a "
                "box it is sign(*w*): at least 0.97 of the best possible activation after 256 steps. Planted moving "
                "Gabor kernels reach at least 0.95 of the best black-and-white grating, planted kernels behind them, "
                "and those that fire only from 0.8 of their best response on, at least 0.9."
            ),
        ),
        cites=(
            (
                "After C. Li and Y. Li, Feature Visualization in 3D Convolutional Neural Networks, 2025 (arXiv "
                "2505.07387)."
            ),
        ),
        references=("li2025feature",),
    ),
    MethodNote(
        "multiscale",
        "Multi-scale filters",
        ("multiscale",),
        known=(
            (
                "A planted grating of which the clip holds two periods is reached to at least 0.95 of the best "
                "grating's response, and so are fine ones, with periods of 4 to 12 px."
            ),
        ),
        cites=(
            (
                "After Visualizing Convolutional Neural Network Features with 40 Lines of Python Code (the VGG-16 "
                "article)."
            ),
        ),
        references=("vgg16article",),
    ),
    MethodNote(
        "decomposition",
        "Texture and motion",
        ("decomposition",),
        known=(
            (
                "On clips whose motion is known: end-point error at most 0.01 px/frame (still), 0.05 (translation), "
                "0.10 (rotation by 2° and zoom by 1.5% per frame), 0.15 (two objects); reconstruction at least 40 dB, "
                "35 for the last. Gratings that move by a quarter to three eighths of their period per frame: 0.05 "
                "px/frame. The intervals hold the speeds of at least 36 of 40 planted first-layer kernels."
            ),
        ),
        cites=(
            (
                "After C. Li and Y. Li, 2025, with pixel displacements and forward motion. Colours after S. Baker and "
                "others, A Database and Evaluation Methodology for Optical Flow, 2011."
            ),
        ),
        references=("li2025feature", "baker2011database"),
    ),
    MethodNote(
        "headlines",
        "Headlines",
        ("kernels",),
        known=(
            (
                "On drawn textures that had no part in setting the rules, at least 90% get the right word and at most "
                "4% of the words are wrong. Planted kernels are told with their stripes, direction and a speed within "
                "20%; one that is symmetric in time is given no direction. Every headline of four reports is worked "
                "out again from the stored arrays by other means."
            ),
        ),
    ),
    MethodNote(
        "pyramid",
        "Class pyramids",
        ("pyramid",),
        known=(
            (
                "Pathways planted in small networks (zero-mean kernels, inhibition, groups, depth-wise, skips, "
                "branches) are found with precision and recall 1.00 at every layer; relevance adds up to the logit "
                "within 10⁻⁵ where there is no bias, and with the biases in networks with norms and skips. A network "
                "that squares its responses is told that twice its logit is relevance."
            ),
        ),
        cites=("After A. Stergiou and others, Class Feature Pyramids for Video Explanation, 2019 (arXiv 1909.08611).",),
        references=("stergiou2019class",),
    ),
    MethodNote(
        "saliency",
        "Saliency",
        ("saliency", "faithfulness"),
        cases=("saliency", "faithfulness"),
        known=(
            (
                "On a linear network the gradient is the weights, exactly; integrated gradients add up to the change "
                "of the logit within 1%; guided backprop equals a hand-computed two-layer network to 10⁻⁶."
            ),
            (
                "Of a network that sums weighted pixels the curves are the running sums of what the boxes add, the "
                "weights times the clip leave 0 unexplained and beat every random map, and the opposite map fails. A "
                "network that reads the frame difference makes that map as good as its own, which then is not called "
                "faithful. Guided backprop redraws the clip with the upper layers shuffled."
            ),
        ),
        cites=(
            (
                "Gradients and guided backprop beside the frames of a clip: after the code at github.com/didpurwanto. "
                "Insertion and deletion: V. Petsiuk and others, RISE, 2018 (arXiv 1806.07421). Infidelity and "
                "sensitivity: C.-K. Yeh and others, 2019 (arXiv 1901.09392). Shuffled weights: J. Adebayo and others, "
                "Sanity Checks for Saliency Maps, 2018 (arXiv 1810.03292); on its limits A. Binder and others, "
                "Shortcomings of Top-Down Randomization-Based Sanity Checks, 2023 (arXiv 2211.12486)."
            ),
            (
                "Computed by captum (N. Kokhlikyan and others, 2020), but for Grad-CAM and DeepLift (A. Shrikumar and "
                "others, 2017), whose rule is also given for products, softmax and norms by their own statistics; "
                "recurrent layers, sampled maps and others that have none share out their gain by the mean gradient on "
                "the line from the baseline. "
                "Integrated gradients: M. Sundararajan and others, 2017. Grad-CAM: R. Selvaraju and others, 2017. "
                "SmoothGrad: D. Smilkov and others, 2017. Guided backprop: J. Springenberg and others, 2015."
            ),
        ),
        references=(
            "featvisualization",
            "petsiuk2018rise",
            "yeh2019infidelity",
            "adebayo2018sanity",
            "binder2023shortcomings",
            "kokhlikyan2020captum",
            "sundararajan2017axiomatic",
            "selvaraju2017gradcam",
            "smilkov2017smoothgrad",
            "springenberg2015striving",
        ),
    ),
    MethodNote(
        "evidence",
        "Reference clips as evidence",
        ("evidence",),
        known=(
            (
                "Labels given at random lead to a sentence for at most 5% of kernels. Of noise kernels chosen by "
                "labels the AUROC on the other half is 0.5 on average, while on all clips it would be above 0.65."
            ),
        ),
    ),
    MethodNote(
        "path",
        "Natural path and other seeds",
        ("path",),
        known=(
            (
                "A circuit that makes synthetic images lie, built after Geirhos and others, fails; the same network "
                "without it passes."
            ),
        ),
        cites=(
            (
                "After R. Geirhos and others, Don't trust your eyes: on the (un)reliability of feature "
                "visualizations, 2024 (arXiv 2306.04719)."
            ),
        ),
        references=("geirhos2024dont",),
    ),
    MethodNote(
        "concepts",
        "Hypothesis tests on concepts",
        ("concepts",),
        known=(
            (
                "A kernel planted for a concept has rank 1 and an AUROC of at least 0.99. With 900 kernels that know "
                "nothing of the concept and 100 that do (AUROC 0.9, 50 + 50 clips), over 200 draws, the false ones "
                "among those called are at most 5% on average (plus two standard errors), and at least 90% of the "
                "others are found."
            ),
        ),
        cites=(
            (
                "After the article Visualizing Convolutional Neural Network Features with 40 Lines of Python Code, "
                "which looks at one picture's responses."
            ),
        ),
        references=("vgg16article",),
    ),
    MethodNote(
        "weight-gradients",
        "Weight gradients",
        ("weight_gradients",),
        known=(
            (
                "Gradients of smooth networks (plain, grouped, depth-wise, transposed, called twice, under weight "
                "norm, frames as samples) agree with central differences in float64 to a relative error of 10⁻⁶; "
                "those of a small linear network are the ones computed by hand. Removing planted unused filters costs "
                "nothing, removing the planted ones all of the logit. Renaming the classes renames the comparison and "
                "changes nothing else."
            ),
        ),
        cites=(
            (
                "After CNN-VIS (github.com/dhruvjain/CNN-VIS), whose own check of the gradients fails; first-order "
                "scores after P. Molchanov and others, Pruning Convolutional Neural Networks for Resource Efficient "
                "Inference, 2017."
            ),
        ),
        references=("cnnvis", "molchanov2017pruning"),
    ),
    MethodNote(
        "responses",
        "Response maps",
        ("responses",),
        known=(
            (
                "Noisy copies of four maps are ordered into their four groups (adjusted Rand index 1.0), and the "
                "silhouette says four. The order of the leaves is the shortest of all that the hierarchy allows. The "
                "maximum projection that the browser draws equals the one computed from the numbers within 1/255."
            ),
        ),
        cites=(
            (
                "After CNN-VIS: Visualization of Convolutional Neural Networks (github.com/dhruvjain/CNN-VIS). "
                "Silhouette: P. Rousseeuw, 1987. Order of the leaves: Z. Bar-Joseph and others, 2001. Threshold: N. "
                "Otsu, 1979."
            ),
        ),
        references=("cnnvis", "rousseeuw1987silhouettes", "barjoseph2001fast", "otsu1979threshold"),
    ),
    MethodNote(
        "motion",
        "Motion or appearance",
        ("motion",),
        known=(
            (
                "A network that sees the mean brightness has a reliance of 0, one that correlates neighbouring frames "
                "1, and it turns into its opposite backwards; one that sees how far the last frame differs from the "
                "first loses nothing to the dissolve and does not count as relying on motion. The intervals hold the "
                "true figure in 93 to 97 of 100 simulated audits of 5, 10 and 20 clips."
            ),
        ),
        cites=("Interval of a ratio: E. C. Fieller, Some problems in interval estimation, 1954.",),
        references=("fieller1954some",),
    ),
)

NOTES_BY_ANCHOR = {note.anchor: note for note in METHOD_NOTES}


def notes_of(analyses: Collection[str]) -> list[MethodNote]:
    """Return the notes on the methods that some analyses are, in the order of the page."""
    return [note for note in METHOD_NOTES if not set(note.analyses).isdisjoint(analyses)]
