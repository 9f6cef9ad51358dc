"""The overview is quick and complete; expected faults end in a sentence."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psycopg
import pytest
import typer
from aiokafka.errors import KafkaConnectionError

from cli import main, registry
from cli.command_group import load_command
from cli.shell.errors import CommandRefusedError, UnreachableError, UsageError
from cli.shell.reencryption import ENCRYPTING_SERVICES
from cli.shell.typed_commands import as_typed

SERVICES = Path(__file__).parents[3] / "services"
EQUITY = [sys.executable, "-c", "from cli.main import main; main()"]
HEAVY = ("asyncpg", "aiokafka", "aiohttp", "pydantic", "faststream", "common")
COMMANDS = registry.command_names()


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys, cli.main
sys.argv = ["equity", "--help"]
try:
    cli.main.main()
finally:
    print([name for name in {HEAVY} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(re.search(rf"\b{name}\b", done.stdout) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    command = load_command(name)
    assert command.help
    for sub in getattr(command, "commands", {}).values():
        assert sub.help, f"equity {name} {sub.name}"


def test_a_misspelt_command_is_a_usage_error_with_a_proposal() -> None:
    done = subprocess.run([*EQUITY, "uplaod"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "upload" in done.stderr


@pytest.mark.parametrize(("error", "code"), [(UsageError, 2), (CommandRefusedError, 3), (UnreachableError, 4)])
def test_an_error_is_printed_on_stderr_with_its_code(
    error: type[UsageError], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error("It did not work.", "Do this.")

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "Error: It did not work.\n  Do this.\n"


def _exit_code(monkeypatch: pytest.MonkeyPatch, error: Exception) -> object:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as ended:
        main.main()
    return ended.value.code


UNEXPECTED_ERRORS = [
    ZeroDivisionError("hunter2"),
    KeyError("hunter2"),
    ExceptionGroup("hunter2", [ValueError("hunter2"), OSError("hunter2")]),
    ExceptionGroup("hunter2", [ConnectionRefusedError(111, "refused")]),
    asyncpg.PostgresError("hunter2"),
    asyncpg.UniqueViolationError("hunter2"),
    psycopg.OperationalError("hunter2"),
    aiohttp.ServerDisconnectedError(),
    KafkaConnectionError("hunter2"),
    UnicodeDecodeError("utf-8", b"hunter2", 0, 1, "no"),
    OSError("hunter2"),
    RecursionError("hunter2"),
]


@pytest.mark.parametrize("error", UNEXPECTED_ERRORS, ids=lambda error: type(error).__name__)
def test_no_error_ends_in_a_traceback_or_shows_a_value(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EQUITY_DEBUG", raising=False)
    assert _exit_code(monkeypatch, error) in (1, 2, 3, 4)
    printed = capsys.readouterr()
    assert printed.out == ""
    problem, advice = printed.err.splitlines()
    assert problem.startswith("Error: ")
    assert advice.startswith("  ")
    assert "hunter2" not in printed.err


def test_the_traceback_of_an_unexpected_error_is_printed_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EQUITY_DEBUG", "1")
    assert _exit_code(monkeypatch, ZeroDivisionError("why")) == 1
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert printed.splitlines()[-2].startswith(
        "Error: This should not have happened: ZeroDivisionError at test_main.py:"
    )


@pytest.mark.parametrize(
    "arguments",
    [["uplaod"], ["upload"], ["upload", "--nothing"], ["uploads", "list", "--limit", "0"], ["uploads", "list", "--limit", "x"],
     ["funnel", "--since", "soon"], ["dlq", "list", "--status", "lost"], ["brokers", "add"]],
)  # fmt: skip
def test_wrong_usage_is_reported_in_one_style(arguments: list[str]) -> None:
    done = subprocess.run([*EQUITY, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    problem, advice = done.stderr.splitlines()
    assert problem.startswith("Error: ")
    assert advice.startswith("  See: equity")


def test_the_version_is_printed() -> None:
    done = subprocess.run([*EQUITY, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"equity {version('equity-cli')}\n"


def _walk_commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from _walk_commands(sub, f"{path} {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_in_words(name: str) -> None:
    root = load_command(name)
    for path, command in _walk_commands(root, f"equity {name}"):
        context = typer.Context(command, info_name=path)
        shown = command.get_help(context)
        assert not re.search(
            r"<|\b(None|datetime|UUID|FileBinaryRead|class|function)\b", shown.replace("0<=x", "").replace("<=x<=", "")
        ), path
        for option in command.params:
            assert option.hidden or option.help, f"{path}: {option.name} has no help"
            value = option.display_type_rich(context)
            assert re.fullmatch(r"|[A-Z]+|[a-z_|0-9]+", value), f"{path}: {option.name} takes {value!r}"
            assert bool(value) == (option.param_type_name == "option" and not option.is_flag), f"{path}: {option.name}"


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("equity upload FILE.csv", "./dev equity upload FILE.csv"),
        (
            "See it: `equity uploads show 1`, or equity --help.",
            "See it: `./dev equity uploads show 1`, or ./dev equity --help.",
        ),
        ("`./dev up`, then `./dev equity uploads list`", "`./dev up`, then `./dev equity uploads list`"),
        ("the owner's equity feeds the score", "the owner's equity feeds the score"),
        ("est_equity upload", "est_equity upload"),
        ("/usr/bin/equity upload", "/usr/bin/equity upload"),
    ],
)
def test_commands_are_named_as_they_must_be_typed(text: str, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EQUITY_COMMAND", raising=False)
    assert as_typed(text) == text
    monkeypatch.setenv("EQUITY_COMMAND", "./dev equity")
    assert as_typed(text) == typed


def test_every_command_is_known_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUITY_COMMAND", "./dev equity")
    for name in COMMANDS:
        assert as_typed(f"equity {name} x") == f"./dev equity {name} x"


def test_every_package_of_a_service_declares_it() -> None:
    packages = {file.parent.name for file in SERVICES.glob("*/*/app.py")}
    assert set(registry.service_names()) == packages


def test_every_service_with_encrypted_columns_is_known_to_rewrap() -> None:
    assert set(registry.load_encrypted_columns()) == set(ENCRYPTING_SERVICES)
