"""The null benchmark runs, and says what its numbers are of."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.nulls import CASES, main
from reportgen.audit.null_rates import NullRates


def test_cases_are_measured_from_seeds_and_written(tmp_path: Path) -> None:
    cases = ["motion", "conservation", "directions", "duplicates", "maps"]
    for name in ("one", "two"):
        assert main(["--seeds", "2", "--only", *cases, "--json", str(tmp_path / f"{name}.json")]) == 0
    found = NullRates.model_validate_json((tmp_path / "one.json").read_bytes())
    assert {row.name for row in found.cases} == set(cases)
    assert all(row.null_rate.passed == 0 and row.power.share == 1 for row in found.cases)
    one, two = (json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) for name in ("one", "two"))
    assert one == two, "the same seeds give the same rates"


def test_the_kept_rates_are_of_all_cases_with_their_own_seeds() -> None:
    kept = NullRates.model_validate_json(Path("benchmarks/results/nulls.json").read_bytes())
    assert [(row.name, row.verdict, row.seeds) for row in kept.cases] == [
        (case.name, case.verdict, case.seeds) for case in CASES
    ]
