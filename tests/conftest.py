"""What all tests share: one thread, a tiny zoo, and the folders of real clips and published facts."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings

TESTS = Path(__file__).resolve().parent
sys.path.append(str(TESTS / "site"))  # the sample run is a program, too: it finds what lies beside it


# How long an example takes says nothing about what it shows, and on a busy machine it would fail by chance.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """Leave alone what every test has in common: Python would look through all of it for garbage, again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    # Small tensors gain nothing from threads, and results do not then depend on the machine.
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    # A test's random numbers are not to depend on which tests ran before it in its process.
    torch.default_generator.manual_seed(0)  # `torch.manual_seed` takes longer than many a test


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of a session have in common."""
    shared = tmp_path_factory.getbasetemp()
    return shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared


@pytest.fixture(scope="session")
def written_once(shared_folder: Path) -> Callable[[str, Callable[[Path], object]], Path]:
    """Has a folder of a name written by the first process that asks for it, and returns it to all; the others wait."""

    def written(name: str, write: Callable[[Path], object]) -> Path:
        folder = shared_folder / name
        with (shared_folder / f"{name}.lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            if not lock.read():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that could not write it
                write(folder)
                lock.write("written")
        return folder

    return written


@pytest.fixture(autouse=True, scope="session")
def _own_cache(shared_folder: Path) -> Iterator[None]:
    """What reportgen remembers of the sites that tests render: never in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPORTGEN_CACHE", str(shared_folder / "cache"))
        yield


@pytest.fixture(scope="session")
def written_sample(written_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """The folder of the sample's runs, written once for all processes of a session; tests must not change it."""
    from tests.site.sample_run import write_sample

    return written_once("written-sample", write_sample)


@pytest.fixture(scope="session")
def sample_copy(written_sample: Path) -> Callable[[Path], Path]:
    """Copies the sample's runs into a folder, which is returned."""

    def copied(folder: Path) -> Path:
        return shutil.copytree(written_sample, folder, dirs_exist_ok=True)

    return copied


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, one for all tests of a process: Playwright cannot be started twice in one."""
    from tests.chromium import launched

    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def tiny_zoo() -> Path:
    """The folder of a zoo with one small network, `tiny`, that has a clip generator."""
    return TESTS / "zoo"


@pytest.fixture(scope="session")
def real_clips() -> Path:
    """The folder of real video that REPORTGEN_CLIPS names."""
    folder = os.environ.get("REPORTGEN_CLIPS")
    if not folder:
        pytest.skip("REPORTGEN_CLIPS names no folder of real video")
    return Path(folder)
