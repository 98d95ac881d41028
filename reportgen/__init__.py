"""The report that tells the truth about a 3D convolutional (video) network.

Everything that the command line does is one call from here. Names are loaded when first used, so that
``import reportgen`` costs nothing.
"""

from __future__ import annotations

import random
from importlib import import_module
from typing import TYPE_CHECKING, Any

import reportgen.sources  # noqa: F401 (notes what the program's files are, before more of them are loaded)
from reportgen.version import __version__

if TYPE_CHECKING:
    from reportgen.analyses.common.baselines import BASELINES as BASELINES
    from reportgen.analyses.concepts.compare import ConceptTests as ConceptTests
    from reportgen.analyses.concepts.concept_tests import concept_tests as concept_tests
    from reportgen.analyses.decomposition.decompose import Decomposition as Decomposition
    from reportgen.analyses.decomposition.decompose import decompose as decompose
    from reportgen.analyses.faithfulness.evaluation import Faithfulness as Faithfulness
    from reportgen.analyses.faithfulness.evaluation import Probes as Probes
    from reportgen.analyses.faithfulness.evaluation import evaluate_maps as evaluate_maps
    from reportgen.analyses.faithfulness.evaluation import probe as probe
    from reportgen.analyses.kernels.maximize import Maximization as Maximization
    from reportgen.analyses.kernels.maximize import maximize_activation as maximize_activation
    from reportgen.analyses.kernels.options import AscentOptions as AscentOptions
    from reportgen.analyses.motion.motion_audit import MotionAudit as MotionAudit
    from reportgen.analyses.motion.motion_audit import motion_audit as motion_audit
    from reportgen.analyses.multiscale.maximize import MultiscaleMaximization as MultiscaleMaximization
    from reportgen.analyses.multiscale.maximize import maximize_over_scales as maximize_over_scales
    from reportgen.analyses.multiscale.options import GrowthOptions as GrowthOptions
    from reportgen.analyses.pyramid.class_pyramid import ClassPyramid as ClassPyramid
    from reportgen.analyses.pyramid.class_pyramid import class_pyramid as class_pyramid
    from reportgen.analyses.responses.maps import ResponseMaps as ResponseMaps
    from reportgen.analyses.responses.maps import response_maps as response_maps
    from reportgen.analyses.saliency.attribution import Attribution as Attribution
    from reportgen.analyses.saliency.attribution import attribute as attribute
    from reportgen.analyses.saliency.methods import METHODS as METHODS
    from reportgen.analyses.weight_gradients.gradients import WeightGradients as WeightGradients
    from reportgen.analyses.weight_gradients.gradients import weight_gradients as weight_gradients
    from reportgen.audit.limits import Limits as Limits
    from reportgen.clips import read_clip as read_clip
    from reportgen.clips.clip import Clip as Clip
    from reportgen.commands.build import build as build
    from reportgen.commands.card import card as card
    from reportgen.commands.check import CheckedModel as CheckedModel
    from reportgen.commands.check import check as check
    from reportgen.commands.check import require as require
    from reportgen.commands.clean import clean as clean
    from reportgen.commands.compare import compare as compare
    from reportgen.commands.compute import compute as compute
    from reportgen.commands.diff import diff as diff
    from reportgen.commands.export import export as export
    from reportgen.commands.fetch import fetch as fetch
    from reportgen.commands.layers import list_layers as list_layers
    from reportgen.commands.methods import list_methods as list_methods
    from reportgen.commands.models import list_models as list_models
    from reportgen.commands.plan import plan as plan
    from reportgen.commands.publish import Publication as Publication
    from reportgen.commands.publish import publish as publish
    from reportgen.commands.publish import publish_workflow as publish_workflow
    from reportgen.commands.render import render as render
    from reportgen.commands.schema import schema as schema
    from reportgen.commands.serve import serve as serve
    from reportgen.commands.status import RunStatus as RunStatus
    from reportgen.commands.status import status as status
    from reportgen.commands.verify import verify as verify
    from reportgen.commands.work import work as work
    from reportgen.config.options import BuildOptions as BuildOptions
    from reportgen.epochs.checking import audit as audit
    from reportgen.epochs.comparison import AuditComparison as AuditComparison
    from reportgen.epochs.network_audit import NetworkAudit as NetworkAudit
    from reportgen.errors import CardError as CardError
    from reportgen.errors import CheckError as CheckError
    from reportgen.errors import ClipError as ClipError
    from reportgen.errors import DeviceError as DeviceError
    from reportgen.errors import EmptySelectionError as EmptySelectionError
    from reportgen.errors import FetchError as FetchError
    from reportgen.errors import JobsFailedError as JobsFailedError
    from reportgen.errors import NetworkError as NetworkError
    from reportgen.errors import NoAnswerError as NoAnswerError
    from reportgen.errors import OptionError as OptionError
    from reportgen.errors import OutOfMemoryError as OutOfMemoryError
    from reportgen.errors import OutputError as OutputError
    from reportgen.errors import RenderError as RenderError
    from reportgen.errors import ReportgenError as ReportgenError
    from reportgen.errors import StoreError as StoreError
    from reportgen.errors import UnknownNameError as UnknownNameError
    from reportgen.errors import WeightsError as WeightsError
    from reportgen.media.volumes import write_volume as write_volume
    from reportgen.motion_colour import colour_wheel as colour_wheel
    from reportgen.motion_colour import motion_to_rgb as motion_to_rgb
    from reportgen.networks.core.network import Network as Network
    from reportgen.networks.core.target import contrast as contrast
    from reportgen.networks.trace.build import connection_graph as connection_graph
    from reportgen.proof.changes import ReportDifference as ReportDifference
    from reportgen.proof.outcome import Verification as Verification
    from reportgen.records.pyramid_compare import compare_pyramids as compare_pyramids
    from reportgen.records.pyramid_compare import spread_over_clips as spread_over_clips
    from reportgen.result import ShownResult as ShownResult
    from reportgen.result import Unexplained as Unexplained
    from reportgen.runner.costs.forecast import PlanForecast as PlanForecast
    from reportgen.runner.examples import example_clips as example_clips
    from reportgen.showing.coloured import heat_colours as heat_colours
    from reportgen.showing.coloured import heat_overlay as heat_overlay
    from reportgen.showing.coloured import motion_frames as motion_frames
    from reportgen.zoo.load import load_network as load_network

_PUBLIC = {
    "example_clips": "reportgen.runner.examples",
    "card": "reportgen.commands.card",
    "AuditComparison": "reportgen.epochs.comparison",
    "NetworkAudit": "reportgen.epochs.network_audit",
    "audit": "reportgen.epochs.checking",
    "compare": "reportgen.commands.compare",
    "AscentOptions": "reportgen.analyses.kernels.options",
    "GrowthOptions": "reportgen.analyses.multiscale.options",
    "METHODS": "reportgen.analyses.saliency.methods",
    "BASELINES": "reportgen.analyses.common.baselines",
    "Clip": "reportgen.clips.clip",
    "Faithfulness": "reportgen.analyses.faithfulness.evaluation",
    "Probes": "reportgen.analyses.faithfulness.evaluation",
    "ShownResult": "reportgen.result",
    "Unexplained": "reportgen.result",
    "colour_wheel": "reportgen.motion_colour",
    "heat_colours": "reportgen.showing.coloured",
    "heat_overlay": "reportgen.showing.coloured",
    "motion_frames": "reportgen.showing.coloured",
    "motion_to_rgb": "reportgen.motion_colour",
    "ReportgenError": "reportgen.errors",
    "CardError": "reportgen.errors",
    "CheckError": "reportgen.errors",
    "ClipError": "reportgen.errors",
    "DeviceError": "reportgen.errors",
    "EmptySelectionError": "reportgen.errors",
    "FetchError": "reportgen.errors",
    "JobsFailedError": "reportgen.errors",
    "NetworkError": "reportgen.errors",
    "NoAnswerError": "reportgen.errors",
    "OptionError": "reportgen.errors",
    "OutOfMemoryError": "reportgen.errors",
    "OutputError": "reportgen.errors",
    "RenderError": "reportgen.errors",
    "StoreError": "reportgen.errors",
    "UnknownNameError": "reportgen.errors",
    "WeightsError": "reportgen.errors",
    "Attribution": "reportgen.analyses.saliency.attribution",
    "BuildOptions": "reportgen.config.options",
    "Limits": "reportgen.audit.limits",
    "CheckedModel": "reportgen.commands.check",
    "ConceptTests": "reportgen.analyses.concepts.compare",
    "ClassPyramid": "reportgen.analyses.pyramid.class_pyramid",
    "Decomposition": "reportgen.analyses.decomposition.decompose",
    "Maximization": "reportgen.analyses.kernels.maximize",
    "MotionAudit": "reportgen.analyses.motion.motion_audit",
    "MultiscaleMaximization": "reportgen.analyses.multiscale.maximize",
    "Publication": "reportgen.commands.publish",
    "Network": "reportgen.networks.core.network",
    "Verification": "reportgen.proof.outcome",
    "WeightGradients": "reportgen.analyses.weight_gradients.gradients",
    "ReportDifference": "reportgen.proof.changes",
    "ResponseMaps": "reportgen.analyses.responses.maps",
    "attribute": "reportgen.analyses.saliency.attribution",
    "build": "reportgen.commands.build",
    "check": "reportgen.commands.check",
    "class_pyramid": "reportgen.analyses.pyramid.class_pyramid",
    "clean": "reportgen.commands.clean",
    "compare_pyramids": "reportgen.records.pyramid_compare",
    "compute": "reportgen.commands.compute",
    "concept_tests": "reportgen.analyses.concepts.concept_tests",
    "connection_graph": "reportgen.networks.trace.build",
    "contrast": "reportgen.networks.core.target",
    "decompose": "reportgen.analyses.decomposition.decompose",
    "diff": "reportgen.commands.diff",
    "export": "reportgen.commands.export",
    "evaluate_maps": "reportgen.analyses.faithfulness.evaluation",
    "fetch": "reportgen.commands.fetch",
    "list_layers": "reportgen.commands.layers",
    "list_methods": "reportgen.commands.methods",
    "list_models": "reportgen.commands.models",
    "load_network": "reportgen.zoo.load",
    "maximize_activation": "reportgen.analyses.kernels.maximize",
    "maximize_over_scales": "reportgen.analyses.multiscale.maximize",
    "motion_audit": "reportgen.analyses.motion.motion_audit",
    "probe": "reportgen.analyses.faithfulness.evaluation",
    "publish": "reportgen.commands.publish",
    "publish_workflow": "reportgen.commands.publish",
    "read_clip": "reportgen.clips",
    "render": "reportgen.commands.render",
    "require": "reportgen.commands.check",
    "response_maps": "reportgen.analyses.responses.maps",
    "schema": "reportgen.commands.schema",
    "serve": "reportgen.commands.serve",
    "PlanForecast": "reportgen.runner.costs.forecast",
    "RunStatus": "reportgen.commands.status",
    "plan": "reportgen.commands.plan",
    "status": "reportgen.commands.status",
    "spread_over_clips": "reportgen.records.pyramid_compare",
    "verify": "reportgen.commands.verify",
    "weight_gradients": "reportgen.analyses.weight_gradients.gradients",
    "work": "reportgen.commands.work",
    "write_volume": "reportgen.media.volumes",
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604 (names are strings of the dict above)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        state = random.getstate()
        try:
            return getattr(import_module(_PUBLIC[name]), name)
        finally:
            random.setstate(state)  # there are packages that draw when they are imported
    raise AttributeError(f"module 'reportgen' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
