"""The wheel holds the templates and the model zoo, and finds them without the checkout."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from tests.children import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT]
    done = run([sys.executable, *command])
    assert done.returncode == 0, done.stderr
    return next(folder.glob("reportgen_conv3d-*.whl"))


def test_the_wheel_holds_what_the_program_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "reportgen/cli/app.py",
        "reportgen/py.typed",
        "reportgen/_data/templates/mkdocs.yml",
        "reportgen/_data/templates/assets/js/player/main.js",
        "reportgen/_data/templates/assets/js/graph/main.js",
        "reportgen/_data/modelzoo/texture_motion/card.toml",
        "reportgen/_data/modelzoo/texture_motion/weights.safetensors",
    ):
        assert needed in names
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"reportgen"}


def test_the_unpacked_wheel_finds_its_zoo_and_templates(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = (
        "import reportgen, reportgen.resources as r\n"
        "assert '_data' in str(r.templates_folder()) and '_data' in str(r.modelzoo_folder()), r.templates_folder()\n"
        "from reportgen.commands.models import list_models\n"
        "print(*[row.name for row in list_models()])"
    )
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    done = run([sys.executable, "-P", "-c", script], cwd=tmp_path, env=environment)
    assert "texture_motion" in done.stdout.split()


def test_the_version_is_the_same_everywhere(wheel: Path) -> None:
    from reportgen import __version__

    assert wheel.name.startswith(f"reportgen_conv3d-{__version__}-")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased" in changelog or f"## {__version__}" in changelog
