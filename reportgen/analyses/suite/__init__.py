"""The suite: every analysis that a build can run, in one place. A new method is one file here and one line below."""

from __future__ import annotations

from reportgen.analyses.base import Analysis
from reportgen.analyses.suite.decomposition import DecompositionAnalysis
from reportgen.analyses.suite.evidence import EvidenceAnalysis
from reportgen.analyses.suite.faithfulness import FaithfulnessAnalysis
from reportgen.analyses.suite.kernels import KernelAnalysis
from reportgen.analyses.suite.motion import MotionAnalysis
from reportgen.analyses.suite.path import PathAnalysis
from reportgen.analyses.suite.pyramid import PyramidAnalysis
from reportgen.analyses.suite.saliency import SaliencyAnalysis

#: In the order in which they run; an analysis comes after those whose answers it reads.
SUITE: dict[str, Analysis] = {
    analysis.name: analysis
    for analysis in (
        EvidenceAnalysis(),
        KernelAnalysis(),
        DecompositionAnalysis(),
        PathAnalysis(),
        PyramidAnalysis(),
        SaliencyAnalysis(),
        FaithfulnessAnalysis(),
        MotionAnalysis(),
    )
}
