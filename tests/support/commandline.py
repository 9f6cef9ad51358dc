"""`equity` as a user runs it: a process with an environment, an exit code, stdout and stderr."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.processes import EQUITY, ForkedProcess, StandardFiles

ENTRY = [sys.executable, "-c", EQUITY]
TIMEOUT_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Ran:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON on stdout, which holds nothing else."""
        return json.loads(self.out)

    def ok(self) -> "Ran":
        """Return itself. Raises AssertionError with its output when the exit code is not 0."""
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self


@dataclass(frozen=True, slots=True)
class Equity:
    """The command line in one environment."""

    environment: Mapping[str, str]

    def __call__(self, *arguments: object, stdin: str = "", **more: str) -> Ran:
        """Run `equity ARGUMENTS`; *more* are environment variables."""
        return _run_equity([*map(str, arguments)], _inherited() | {**self.environment, **more}, stdin)

    async def soon(self, *arguments: object, **more: str) -> Ran:
        """Run it in a thread, so that services in this process go on."""
        return await asyncio.to_thread(self.__call__, *arguments, **more)


def run(command: list[str], environment: Mapping[str, str], stdin: str = "") -> Ran:
    """Run any *command*; settings of the machine's own installation are kept out of it."""
    done = subprocess.run(
        command,
        env=_inherited() | dict(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def _run_equity(arguments: list[str], environment: Mapping[str, str], stdin: str) -> Ran:
    """Run `equity` in a forked process, with files as its standard streams."""
    with tempfile.TemporaryDirectory(prefix="equity-command-") as name:
        files = StandardFiles(Path(name, "out"), Path(name, "err"), Path(name, "in"))
        files.stdin.write_text(stdin)
        process = ForkedProcess(arguments, environment, files)
        try:
            code = process.wait(TIMEOUT_SECONDS)
        finally:
            process.kill()
        return Ran(code, files.stdout.read_text(), files.stderr.read_text())


def _inherited() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.endswith(("DATABASE_URL", "_KEY", "DIRECT_URL"))
    }
