"""Processes that outlive their starter, and free ports."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

PORTS = range(20_000, 32_000)
"""Below the ephemeral ports of Linux (32768 and up), where a client of a stopped server may connect to itself."""

_children: dict[int, "subprocess.Popen[bytes]"] = {}


class LocalServiceError(Exception):
    """Failure to install or start a local service. The message says what to do."""


def say(text: str) -> None:
    """Print progress to stderr, because results go to stdout."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Process:
    """Process identified by id and start time, so that a later process with the same id differs."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Return the process that has this id now. Raises LocalServiceError if there is none."""
        stat = _stat(pid)
        if stat is None:
            raise LocalServiceError(f"there is no process {pid}")
        return cls(pid, stat.started)

    @classmethod
    def load(cls, file: Path) -> "Process | None":
        """Return the process saved in *file* if it still runs."""
        try:
            process = cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return process if process.alive else None

    def save(self, file: Path) -> None:
        """Save this process in *file*."""
        file.write_text(json.dumps(asdict(self)))

    @property
    def alive(self) -> bool:
        """Whether the process runs. A zombie does not."""
        if self.pid in _children and _children[self.pid].poll() is not None:
            return False
        found = _stat(self.pid)
        return found is not None and found.started == self.started and found.state != "Z"

    @property
    def children(self) -> "list[Process]":
        """Child processes."""
        stats = ((int(entry.name), _stat(int(entry.name))) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [Process(pid, stat.started) for pid, stat in stats if stat and stat.parent == self.pid]

    def end(self, with_signal: signal.Signals, within_s: float = 30) -> bool:
        """Send the signal and wait for the end of the process. Return False if it still runs after *within_s* seconds."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, with_signal)
        return wait_until(lambda: not self.alive, within_s)


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    parent: int
    started: int


def _stat(pid: int) -> _Stat | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return _Stat(state=fields[0], parent=int(fields[1]), started=int(fields[19]))


def launch(
    command: Sequence[str], log_file: Path, *, cwd: Path, env: Mapping[str, str] | None = None, user: str | None = None
) -> Process:
    """Start *command* in a new session, so that it outlives this process and its terminal."""
    with log_file.open("ab") as log:
        child = subprocess.Popen(
            command, cwd=cwd, env=env, user=user, group=user, extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    _children[child.pid] = child
    return Process.of(child.pid)


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Wait until *condition* is true. Return False after *within_s* seconds."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def wait_ready(process: Process, ready: Callable[[], bool], name: str, log_file: Path, within_s: float = 60) -> None:
    """Wait until *ready* is true. Raises LocalServiceError with the end of the log if the process dies or is late."""
    if wait_until(lambda: not process.alive or ready(), within_s) and process.alive:
        return
    tail = "".join(log_file.read_text(errors="replace").splitlines(keepends=True)[-15:])
    raise LocalServiceError(f"{name} did not start; the end of {log_file}:\n{tail}")


def free_port() -> int:
    """Return a port that is free now on every interface."""
    for port in random.sample(PORTS, 200):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("", port))
            return port
    raise LocalServiceError(f"no free port between {PORTS.start} and {PORTS.stop}")


def saved_port(file: Path, wanted: int | None) -> int:
    """Return *wanted*, else the port saved in *file*, else a free port. Save it for the next start."""
    port = wanted or (int(file.read_text()) if file.exists() else free_port())
    file.write_text(str(port))
    return port
