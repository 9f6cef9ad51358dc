"""Processes of the product, forked from one that has already imported it.

An `equity` process spends two to four seconds of CPU on imports, and tests start about two thousand. The fork server of the
standard library imports the product once per test worker. A forked process has its own memory, environment, signals and
exit code, and a SIGKILL ends it like any other.
"""

import importlib
import multiprocessing
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

EQUITY = "from cli.main import main; main()"

_TESTS = str(Path(__file__).parents[1])
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["support.preloaded"])


def preload() -> None:
    """Import the command line with all its commands, and every service."""
    import cli
    from cli import registry

    for found in pkgutil.walk_packages(cli.__path__, "cli."):
        importlib.import_module(found.name)
    for service in (*registry.service_names(), registry.SANDBOX):
        importlib.import_module(f"{service}.app")
    for name in registry.command_names():
        registry.load_command_app(name)


class ForkedProcess:
    """Forked process of `equity ARGUMENTS`, with the methods of `subprocess.Popen` that tests use."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        files: "StandardFiles",
        program: str = EQUITY,
    ) -> None:
        """Start *program*, the text of a Python program, with *environment* and nothing else in its environment."""
        target = (program, list(arguments), dict(environment), files)
        with _tests_importable():
            self._process = _context.Process(target=_run, args=target, daemon=True)
            self._process.start()

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, or the negative number of the signal that ended the process; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code; None while the process runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process and return its exit code. Raises subprocess.TimeoutExpired after *timeout* seconds."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("equity", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process with -9, unless it has ended."""
        self.send_signal(signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class StandardFiles:
    """Paths of the three standard streams of a process. Output is appended."""

    stdout: Path
    stderr: Path
    stdin: Path = Path(os.devnull)

    def connect(self) -> None:
        """Make these files the standard streams of this process."""
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        for number, (path, flags) in enumerate(
            ((self.stdin, os.O_RDONLY), (self.stdout, append), (self.stderr, append))
        ):
            descriptor = os.open(path, flags, 0o600)
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - open as long as the process runs
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


@contextmanager
def _tests_importable() -> Iterator[None]:
    """Let the fork server, which starts with the first process, import `support`."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([_TESTS, *filter(None, [before])])
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _run(program: str, arguments: list[str], environment: dict[str, str], files: StandardFiles) -> None:
    """Run *program* in this forked process."""
    files.connect()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    exec(program, {"__name__": "__main__"})  # noqa: S102 - as `python -c` does
