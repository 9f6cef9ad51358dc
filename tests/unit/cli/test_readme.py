"""The commands of the README and the quick start are commands of the command line, to the letter."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import registry
from cli.command_group import load_command
from cli.shell.moments import parse_clock_time

ROOT = Path(__file__).parents[3]
_ADDS_A_COMMAND = ROOT / "docs/guides/adding-a-command.md"
"""This guide runs the command that it adds; the test of the guides follows it."""
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").rglob("*.md")} - {_ADDS_A_COMMAND})]
_TYPED = re.compile(r"^(?:    )?(\./dev equity [^\n]+)$", re.MULTILINE)


def commands(page: Path) -> list[str]:
    return [found.partition("  #")[0].strip() for found in _TYPED.findall(page.read_text())]


NAMED = [(page.relative_to(ROOT).as_posix(), line) for page in PAGES for line in commands(page)]


def parse(command: Any, words: list[str]) -> None:
    """Parse *words* as the command line does, with its errors."""
    context = command.make_context("equity", list(words), resilient_parsing=False)
    if isinstance(command, typer.core.TyperGroup):
        _, sub, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        parse(sub, rest)


@pytest.mark.parametrize(("page", "line"), NAMED)
def test_a_documented_command_is_understood(
    page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in re.findall(r"\S+\.csv", line):
        Path(file).touch()
    identifier = "01a1fc73-2c4b-7487-8c65-ff5ed8d7211b"
    words = [identifier if word == "ID" else word for word in shlex.split(line.partition(" > ")[0])][2:]
    if words == ["--help"]:
        return
    assert words[0] in registry.command_names(), page
    parse(load_command(words[0]), words[1:])


@pytest.mark.parametrize("year", range(2026, 2040))
def test_moments_of_the_pages_are_valid_in_every_year(year: int) -> None:
    moments = [shlex.split(line)[-1] for _, line in NAMED if " clock set " in line]
    assert len(moments) >= 3
    for month in range(1, 13):
        now = datetime(year, month, 28, 20, tzinfo=UTC)
        for moment in moments:
            assert abs((parse_clock_time(moment, now) - now).days) <= 10
