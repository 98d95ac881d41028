"""Whether what a run holds is what was written: files by their size and digest, answers and documents as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from reportgen.errors import StoreError
from reportgen.records.answers.registry import answer_models
from reportgen.records.documents import DamagedError
from reportgen.records.files import file_digest
from reportgen.records.identities import KernelId, TargetId
from reportgen.records.jobs import Artifact, Done, Record
from reportgen.records.packed import content_at, is_packed_at
from reportgen.records.pyramid_schema import PyramidDocument

_KERNELS = frozenset({"kernels", "decomposition"})
_TARGETS = frozenset({"pyramid", "saliency", "faithfulness", "motion"})


class CheckedFiles:
    """Compares files with what a record says of them, each once for as long as nobody writes to it."""

    def __init__(self) -> None:
        self._digests: dict[Path, tuple[int, int, str]] = {}

    def check(self, path: Path, artifact: Artifact) -> None:
        """Raise DamagedError when the file is not the artifact's; FileNotFoundError when it is not there."""
        facts, is_packed = path.stat(), is_packed_at(path, artifact)
        if facts.st_size != artifact.bytes and not is_packed:
            raise DamagedError(
                f"{artifact.path} is damaged ({facts.st_size:,} bytes instead of {artifact.bytes:,}): compute it again."
            )
        known = self._digests.get(path)
        if known is None or known[:2] != (facts.st_size, facts.st_mtime_ns):
            digest = hashlib.sha256(content_at(path, artifact)).hexdigest() if is_packed else file_digest(path)
            known = (facts.st_size, facts.st_mtime_ns, digest)
            self._digests[path] = known
        if known[2] != artifact.sha256:
            raise DamagedError(
                f"{artifact.path} is damaged (its bytes are others than were written): compute it again."
            )


def check_content(record: Record, documents: Mapping[str, tuple[Path, Artifact]]) -> None:
    """Raise DamagedError when a record's unit, answer or documents (by role) are not what its analysis writes."""
    if not isinstance(record.outcome, Done):
        return
    analysis, unit = record.job.analysis, record.job.unit
    try:
        if analysis in _KERNELS:
            KernelId.parse(unit)
        elif analysis in _TARGETS and ("/class-" in unit or "/target-" in unit):
            TargetId.parse(unit)
        if kind := answer_models().get(analysis):
            record.outcome.read(kind)
        if analysis == "pyramid" and "graph" in documents:
            PyramidDocument.model_validate_json(content_at(*documents["graph"]))
    except (ValueError, ValidationError) as error:
        where = "its graph" if isinstance(error, ValidationError) else f"its unit {unit[:60]!r}"
        raise DamagedError(
            f"The record of {analysis} is damaged ({where} makes no sense): compute it again."
        ) from error
    except DamagedError:
        raise
    except StoreError as error:
        raise DamagedError(str(error)) from error
