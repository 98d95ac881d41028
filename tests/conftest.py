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
    torch.manual_seed(0)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What reportgen remembers of the sites that tests render: never in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPORTGEN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def written_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the sample's runs, written once for all processes of a session; tests must not change it."""
    from tests.site.sample_run import write_sample

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sample = shared / "written-sample"
        if not sample.exists():
            write_sample(shared / "sample-in-writing").rename(sample)
    return sample


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
