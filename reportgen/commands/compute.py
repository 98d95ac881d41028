"""Computing runs: everything that needs the networks."""

from __future__ import annotations

import time
from collections.abc import Sequence

from reportgen.config.options import BuildOptions
from reportgen.errors import speaking
from reportgen.given import given_as
from reportgen.networks.core.defaults import usual_defaults
from reportgen.networks.speed.precision import full_precision
from reportgen.networks.speed.reused_memory import reused_memory
from reportgen.progress import SILENT, Progress, observer
from reportgen.records.files import check_writable
from reportgen.records.lease import held
from reportgen.records.store import Store
from reportgen.runner.layer_globs import LayerGlobs
from reportgen.runner.loading import Loader
from reportgen.runner.one_run import compute_run
from reportgen.runner.places import places_of
from reportgen.runner.prepare import prepare
from reportgen.runner.selection import BuildSelection
from reportgen.runner.summary import Summary
from reportgen.runner.threads import planned_threads
from reportgen.wording import BUILD_OPTIONS


@speaking(BUILD_OPTIONS)
def compute(
    options: BuildOptions, *, command: Sequence[str] = (), progress: Progress | bool = SILENT, debug: bool = False
) -> Summary:
    """Compute the runs of all models of `options` into `options.runs`; what is there already is not computed again.
    Whoever computes a run that another process is computing waits for it.

    `command` is recorded for the provenance page. With `debug` the first error ends the run with its traceback.
    Failed jobs do not raise: see `Summary.check`. Raises the errors of options, weights, clips and the store.
    """
    given_as(options, BuildOptions, "What is asked of a build")
    progress = observer(progress)
    started = time.perf_counter()
    check_writable(options.runs)
    for sentence in options.without_effect():
        progress.note(sentence)
    summary = Summary()
    with usual_defaults(), reused_memory(), full_precision():
        load = Loader(options)
        with places_of(options.runs, load.asked(), progress) as places:
            selection, layers = BuildSelection(options.select, places), LayerGlobs(options.layers, places)
            for place in selection.places:
                with (
                    held(place.folder, progress.note),
                    planned_threads(Store(place.folder), options.threads, progress, sharers=options.sharers),
                ):
                    prepared = prepare(place, load, options, layers.of(place), progress)
                    beside = sum(model.site_bytes for model in summary.models)
                    found = compute_run(prepared, selection, options, command, progress, beside=beside, debug=debug)
                    summary.models.append(found)
    summary.seconds = time.perf_counter() - started
    return summary
