"""The guide for adding a command, followed to the letter in a package of the test."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "adding-a-command.md").read_text()
EQUITY = [sys.executable, "-c", "from cli.main import main; main()"]
UNREACHABLE = "postgresql://owner:secret@127.0.0.1:1/equity"


def read_block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert found, language
    return found[1]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment in which the package of the guide is installed."""
    package, metadata = tmp_path / "replies", tmp_path / "equity_replies-0.1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").write_text('"""Replies."""\n')
    (package / "commands.py").write_text(read_block("python"))
    (package / "commands.sql").write_text(read_block("sql"))
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: equity-replies\nVersion: 0.1.0\n")
    entry_points = read_block("toml").replace('[project.entry-points."equity.commands"]', "[equity.commands]")
    (metadata / "entry_points.txt").write_text(entry_points.replace('"', ""))
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path, "DATABASE_DIRECT_URL": UNREACHABLE}


def run(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*EQUITY, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_the_overview_shows_the_command(environment: dict[str, str]) -> None:
    assert re.search(r"replies +Replies of leads, the newest first\.", run(environment, "--help").stdout)


def test_the_command_explains_itself(environment: dict[str, str]) -> None:
    shown = run(environment, "replies", "--help")
    assert shown.returncode == 0, shown.stderr
    for text in ("Replies of leads.", "List the newest replies.", "Count all replies."):
        assert text in shown.stdout


def test_the_command_reaches_for_the_database(environment: dict[str, str]) -> None:
    ran = run(environment, "replies", "list", "--limit", "3")
    assert (ran.returncode, "127.0.0.1:1/equity does not answer" in ran.stderr) == (4, True), ran.stderr
    assert "secret" not in ran.stderr
