"""What a summary says first of a network: what it is, its findings, and its audit."""

from __future__ import annotations

from collections import Counter

from reportgen.audit.checks import checks
from reportgen.audit.verdicts import WORST_FIRST, State
from reportgen.outputs.model import (
    STATE_WORDS,
    Column,
    DocumentBlock,
    FactList,
    Prose,
    Section,
    Statement,
    Table,
    columns,
)
from reportgen.pages.audit import checks_table
from reportgen.pages.findings import shown_findings
from reportgen.pages.report import ModelView
from reportgen.reading.format import count, plural
from reportgen.summary.frames import frames
from reportgen.summary.shares import Shares

_TROUBLES = 10


def _facts(model: ModelView) -> FactList:
    """Return the facts that stand at the head of a network's part."""
    clip, weights = model.run.card.clip, model.run.weights
    origin = ", of unknown origin" if weights.of_unknown_origin else ""
    states = Counter(row.state for row in checks(model))
    audit = ", ".join(f"{count(states[state])} {STATE_WORDS[state]}" for state in WORST_FIRST if states[state])
    return FactList(
        "facts",
        (
            ("Native clip", f"{clip.frames} frames of {clip.width}×{clip.height} px"),
            ("Kernels shown", f"{count(len(model.all_kernels))}, of {plural(len(model.kernels), 'layer')}"),
            ("Clips", count(len(model.subjects))),
            ("Reference clips", count(model.evidence.clips)),
            ("Weights", "untrained" if weights.untrained else f"{weights.digest(12)}{origin}"),
            ("Audit", audit),
        ),
    )


def findings_part(model: ModelView) -> Section:
    """Return the facts and the findings of a network."""
    shown = shown_findings(model)
    blocks: list[DocumentBlock] = [Prose(model.summary, "lead")] if model.summary else []
    blocks.append(_facts(model))
    blocks += [
        Statement(one.title, one.finding.state, one.finding.sentence, one.finding.link, frames(model, one.picture))
        for one in shown
    ]
    return Section(model.addresses.home, "Findings", tuple(blocks))


def audit_part(model: ModelView, share: Shares) -> Section:
    """Return the audit table, the worst first, and what was skipped or failed."""
    rows = sorted(checks(model), key=lambda row: WORST_FIRST.index(row.state))
    shown = rows if share.all_checks else [row for row in rows if row.state in ("fail", "warn")]
    counts = Counter(row.state for row in rows)
    words = [
        "A verdict is a comparison with the threshold beside it and nothing more. What was not tested is not known to "
        "be right."
    ]
    if len(shown) < len(rows):
        left: tuple[State, ...] = ("untested", "pass")
        told = " and ".join(f"{count(counts[state])} {STATE_WORDS[state]}" for state in left if counts[state])
        words.append(f"Of {plural(len(rows), 'check')}, those that warn or fail; left out: {told}.")
    blocks: list[DocumentBlock] = [checks_table(shown, " ".join(words))] if shown else [Prose(" ".join(words))]
    blocks += [table] if (table := troubles(model)) else []
    return Section(model.addresses.audit, "Audit", tuple(blocks))


def troubles(model: ModelView) -> Table | None:
    """Return the jobs that were skipped or failed with their reasons, equal ones together; None where all were done."""
    found = Counter((item.state, item.what.partition(":")[0], item.why) for item in model.troubles())
    if not found:
        return None
    ordered = sorted(found.items(), key=lambda pair: (pair[0][0] != "failed", -pair[1]))
    heads = columns("Analysis", Column("Jobs", "count"), "Why")
    told = tuple((what, jobs, why) for (_, what, why), jobs in ordered[:_TROUBLES])
    left = len(ordered) - len(told)
    return Table("troubles", "Skipped and failed", heads, told, "", left, "on the provenance page")
