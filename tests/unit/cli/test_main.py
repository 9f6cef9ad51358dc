"""The overview is quick and complete; expected faults end in a sentence."""

import importlib
import subprocess
import sys

import pytest
import typer

from cli import main
from cli.errors import RefusedError, UnreachableError, UsageError

EQUITY = [sys.executable, "-c", "from cli.main import main; main()"]
HEAVY = ("asyncpg", "aiokafka", "aiohttp", "pydantic", "faststream", "common")


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, cli.main; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", main.Commands.entries)
def test_every_command_explains_itself(name: str) -> None:
    app: typer.Typer = importlib.import_module(f"cli.commands.{name}").app
    command = typer.main.get_command(app)
    assert command.help
    for sub in getattr(command, "commands", {}).values():
        assert sub.help, f"equity {name} {sub.name}"


def test_a_misspelt_command_is_a_usage_error_with_a_proposal() -> None:
    done = subprocess.run([*EQUITY, "uplaod"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "upload" in done.stderr


@pytest.mark.parametrize(("fault", "code"), [(UsageError, 2), (RefusedError, 3), (UnreachableError, 4)])
def test_a_fault_is_told_on_stderr_with_its_code(
    fault: type[UsageError], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise fault("It did not work.", "Do this.")

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "Error: It did not work.\n  Do this.\n"


def test_our_own_mistakes_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(ZeroDivisionError):
        main.main()
