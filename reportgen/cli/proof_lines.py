"""What the terminal shows of a verification."""

from __future__ import annotations

from reportgen.errors import one_line
from reportgen.proof.outcome import Verification

_MOST_DETAILS = 20


def verification_lines(found: Verification) -> str:
    """Return the three answers, each with what speaks against it."""
    lines = [f"Root digest of these files: {found.root_digest}"]
    for name, proof in found.answers.items():
        lines.append(f"{name:<12} {proof.holds:<9}  {one_line(proof.sentence)}")
        lines += [f"  - {one_line(detail)}" for detail in proof.details[:_MOST_DETAILS]]
        if len(proof.details) > _MOST_DETAILS:
            lines.append(f"  - and {len(proof.details) - _MOST_DETAILS} more (--json lists all)")
    return "\n".join(lines)
