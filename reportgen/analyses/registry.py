"""Every analysis that a build can run, in one place. A new method is a package beside this file and one line below."""

from __future__ import annotations

from reportgen.analyses.base import Analysis
from reportgen.analyses.decomposition.analysis import DecompositionAnalysis
from reportgen.analyses.evidence.analysis import EvidenceAnalysis
from reportgen.analyses.faithfulness.analysis import FaithfulnessAnalysis
from reportgen.analyses.kernels.analysis import KernelAnalysis
from reportgen.analyses.motion.analysis import MotionAnalysis
from reportgen.analyses.path.analysis import PathAnalysis
from reportgen.analyses.pyramid.analysis import PyramidAnalysis
from reportgen.analyses.saliency.analysis import SaliencyAnalysis

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
