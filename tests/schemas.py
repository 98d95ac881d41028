"""Documents against the schemas that `reportgen schema` prints, by a validator that knows nothing of pydantic."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from reportgen.commands.schema import schema


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema(name))


def faults(name: str, document: Any) -> list[str]:
    """Return what is wrong with a document of that name, each fault with its place."""
    return [f"{error.json_path}: {error.message}" for error in _validator(name).iter_errors(document)]


def faults_of_run(folder: Path) -> list[str]:
    """Return what is wrong with the documents of a run's folder: header, plan, records and graphs of pyramids."""
    found = faults("run", _read(folder / "run.json"))
    if (folder / "plan.json").is_file():
        found += faults("plan", _read(folder / "plan.json"))
    for path in sorted((folder / "records").rglob("*.json")):
        record = _read(path)
        found += faults("record", record)
        for artifact in record["outcome"].get("artifacts", ()):
            if record["job"]["analysis"] == "pyramid" and artifact["role"] == "graph" and artifact["kind"] == "json":
                found += faults("pyramid", _read(folder / artifact["path"]))
    return found


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
