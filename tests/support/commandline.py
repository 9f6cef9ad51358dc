"""`equity` as a user runs it: a process with an environment, an exit code, stdout and stderr."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ENTRY = [sys.executable, "-c", "from cli.main import main; main()"]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON on stdout; nothing else may stand there."""
        return json.loads(self.out)

    def ok(self) -> "Ran":
        """Itself. Raises AssertionError with what it said when it did not end well."""
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self


@dataclass(frozen=True, slots=True)
class Equity:
    """The command line in one environment."""

    environment: Mapping[str, str]

    def __call__(self, *arguments: object, stdin: str = "", **more: str) -> Ran:
        """Run `equity ARGUMENTS`; *more* are environment variables."""
        return run([*ENTRY, *map(str, arguments)], {**self.environment, **more}, stdin)

    async def soon(self, *arguments: object, **more: str) -> Ran:
        """The same without holding up services that run in this process."""
        return await asyncio.to_thread(self.__call__, *arguments, **more)


def run(command: list[str], environment: Mapping[str, str], stdin: str = "") -> Ran:
    """Run any *command*; settings of the machine's own installation are kept out of it."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.endswith(("DATABASE_URL", "_KEY", "DIRECT_URL"))
    }
    done = subprocess.run(
        command,
        env=inherited | dict(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
