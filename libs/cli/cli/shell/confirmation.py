"""Questions before a command changes or shows much: asked on the terminal, answered by an option in scripts."""

import os
from typing import Annotated

import typer

from cli.shell.errors import CommandRefusedError, UsageError

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def require_yes(question: str, *, yes: bool) -> None:
    """Ask on the terminal. Raises CommandRefusedError where there is none, and typer.Abort when the answer is no."""
    if not yes:
        if not os.isatty(0):
            raise CommandRefusedError(
                f"{question} There is no terminal to answer on.", "Say --yes to do it without asking."
            )
        typer.confirm(question, abort=True, err=True)


def require_text(question: str, given: str | None, option: str) -> str:
    """Return *given*, or else the answer on the terminal. Raises UsageError where there is no terminal."""
    if given is not None:
        return given
    if not os.isatty(0):
        raise UsageError(f"{question}? There is no terminal to answer on.", f"Give {option} TEXT.")
    return str(typer.prompt(question, err=True))
