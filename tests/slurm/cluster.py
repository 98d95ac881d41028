"""A SLURM cluster of this machine alone: munge, a controller and a node, in a folder, without systemd or accounting."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.children import run

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
NEEDED = "Tests on SLURM need root and Debian's slurmctld, slurmd, slurm-client and munge: apt-get install them."
_LONGEST = 60.0

_CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
JobRequeue=1
SchedulerParameters=batch_sched_delay=0,sched_interval=1
OverTimeLimit=0
KillWait=5
MinJobAge=10
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def is_missing() -> bool:
    """Whether this machine cannot be a cluster."""
    return os.geteuid() != 0 or any(shutil.which(name, path=_path()) is None for name in PROGRAMS)


@dataclass(frozen=True)
class Cluster:
    """A running cluster."""

    folder: Path

    @property
    def node(self) -> str:
        """The name of its one node."""
        return _host()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of whoever submits jobs to it."""
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": _path(), "OMP_NUM_THREADS": "1"}

    def run(self, *words: str) -> str:
        """Run one of SLURM's commands and return what it says."""
        done = run(words, env=self.environment, timeout=_LONGEST)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def restart_controller(self) -> None:
        """Stop the controller, as with a reboot of its machine, and start it again with what it had saved.

        A controller that is killed has not saved the jobs it began in its last seconds: it begins them again, and
        takes the node that knows them already out of service until somebody puts it back.
        """
        _end(self.folder / "slurmctld.pid")
        self.run("slurmctld")
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until the node takes jobs."""
        until = time.monotonic() + _LONGEST
        while time.monotonic() < until:
            done = run(["sinfo", "-h"], env=self.environment, timeout=_LONGEST)
            if any(state in done.stdout for state in ("idle", "mix", "alloc")):
                return
            time.sleep(0.1)
        raise AssertionError(f"the cluster does not come up: {(self.folder / 'log' / 'slurmctld.log').read_text()}")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a cluster, and end it and all of its jobs with the context."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # short: a socket's path has at most 107 signs
    for name in ("state", "spool", "log", "munge"):
        (folder / name).mkdir(mode=0o700)
    folder.chmod(0o755)
    key = folder / "munge" / "key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    host = _host()
    controller, node = _free_ports()
    text = _CONFIGURATION.format(host=host, folder=folder, controller=controller, node=node)
    (folder / "slurm.conf").write_text(text)
    found = Cluster(folder)
    munge = folder / "munge"
    try:
        places = (f"--{what}={munge / name}" for what, name in _MUNGE.items())
        found.run("munged", "--force", f"--key-file={key}", *places)
        found.run("slurmctld", "-c")
        found.run("slurmd", "-f", str(folder / "slurm.conf"))
        found.wait_until_up()
        yield found
    finally:
        run(["scancel", "--user=root"], env=found.environment, timeout=_LONGEST)
        for name in ("slurmd.pid", "slurmctld.pid", "munge/pid"):
            _end(folder / name)
        shutil.rmtree(folder, ignore_errors=True)


_MUNGE = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}


def _end(pid_file: Path) -> None:
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, 15)
    except (OSError, ValueError):
        return
    until = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.1)
    if Path(f"/proc/{pid}").exists():
        os.kill(pid, 9)


def _host() -> str:
    return socket.gethostname().partition(".")[0]


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
