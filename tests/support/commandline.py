"""`equity` as a user runs it: a process with an environment, an exit code, stdout and stderr."""

import asyncio
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.processes import EQUITY, ForkedProcess, StandardFiles

ENTRY = [sys.executable, "-c", EQUITY]
TIMEOUT_SECONDS = 180
_CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


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
    timeout_seconds: float = TIMEOUT_SECONDS
    """Time for one command, after which it is killed."""

    def __call__(self, *arguments: object, stdin: str = "", **more: str) -> Ran:
        """Run `equity ARGUMENTS`; *more* are environment variables."""
        environment = _inherited() | {**self.environment, **more}
        return _run_equity([*map(str, arguments)], environment, stdin, self.timeout_seconds)

    async def soon(self, *arguments: object, **more: str) -> Ran:
        """Run it in a thread, so that services in this process go on."""
        return await asyncio.to_thread(self.__call__, *arguments, **more)

    def on_terminal(self, columns: int, *arguments: object) -> Ran:
        """Run `equity ARGUMENTS` with stdout on a terminal that has this number of columns."""
        reader, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        environment = {name: value for name, value in _inherited().items() if name != "COLUMNS"}
        environment |= {**self.environment, "TERM": "xterm", "NO_COLOR": "1"}
        with ThreadPoolExecutor(1) as executor:
            printed = executor.submit(_read_terminal, reader)
            try:
                stdout = Path(os.ttyname(terminal))
                done = _run_equity([*map(str, arguments)], environment, "", self.timeout_seconds, stdout)
            finally:
                os.close(terminal)
            return Ran(done.code, printed.result(), done.err)


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


def _run_equity(
    arguments: list[str], environment: Mapping[str, str], stdin: str, timeout_seconds: float, stdout: Path | None = None
) -> Ran:
    """Run `equity` in a forked process, with files as its standard streams; *stdout* may be a terminal instead."""
    with tempfile.TemporaryDirectory(prefix="equity-command-") as name:
        files = StandardFiles(stdout or Path(name, "out"), Path(name, "err"), Path(name, "in"))
        files.stdin.write_text(stdin)
        process = ForkedProcess(arguments, environment, files)
        try:
            code = process.wait(timeout_seconds)
        finally:
            process.kill()
        return Ran(code, "" if stdout else files.stdout.read_text(), files.stderr.read_text())


def _read_terminal(reader: int) -> str:
    """Return what processes print on a terminal until the last of them closes it, without its control sequences."""
    chunks = []
    try:
        while chunk := os.read(reader, 65_536):
            chunks.append(chunk)
    except OSError:  # Linux reports the end of a terminal as an error
        pass
    finally:
        os.close(reader)
    return _CONTROL_SEQUENCE.sub("", b"".join(chunks).decode()).replace("\r\n", "\n")


def _inherited() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.endswith(("DATABASE_URL", "_KEY", "DIRECT_URL"))
    }
