"""The entry point of `equity`."""

import os
import sys
import traceback
from typing import Annotated

import typer

from cli.command_group import LazyCommandGroup
from cli.shell import errors
from cli.shell.typed_commands import as_typed, program_name
from cli.shell.values import escape_control_characters

app = typer.Typer(
    cls=LazyCommandGroup,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or setting, 3 refused or conflict, 4 not reachable.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - it takes time, and only this option needs it

        sys.stdout.write(f"equity {version('equity-cli')}\n")
        raise typer.Exit


@app.callback()
def equity(
    *,
    version: Annotated[  # noqa: ARG001 - its callback answers
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="EQUITY_DEBUG", help="Show the traceback of an error. It may hold data.")
    ] = False,
) -> None:
    """Turn property records into booked appointments, and see every step of the way."""
    if debug:
        os.environ["EQUITY_DEBUG"] = "1"


def main() -> None:
    """Run the command line. Every error ends in a sentence and an exit code; the traceback comes with --debug only."""
    try:
        code = app(prog_name=program_name(), standalone_mode=False)
    except typer.Abort:
        sys.stderr.write("Stopped. Nothing more was done.\n")
        sys.exit(errors.FAILED)
    except Exception as error:  # noqa: BLE001 - the last resort: no error ends in a traceback
        if os.environ.get("EQUITY_DEBUG", "") not in ("", "0", "false"):
            traceback.print_exc()
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]  # typer's own error: the help is its message
            sys.exit(errors.USAGE)
        known = _to_cli_error(error)
        _report_error(known)
        sys.exit(known.exit_code)
    sys.exit(code if isinstance(code, int) else errors.OK)


def _to_cli_error(error: Exception) -> errors.CliError:
    """Return *error* in the user's words."""
    if isinstance(error, errors.CliError):
        return error
    if format_message := getattr(error, "format_message", None):  # typer's own errors, of options and arguments
        context = getattr(error, "ctx", None)
        command = context.command_path if context else program_name()
        return errors.UsageError(format_message(), f"See: {command} --help")
    # It imports the errors of every library, which only an error needs.
    from cli.shell.faults import explain_error, unexpected_error  # noqa: PLC0415

    return explain_error(error) or unexpected_error(error)


def _report_error(error: errors.CliError) -> None:
    sys.stderr.write(f"Error: {escape_control_characters(as_typed(error.problem))}\n")
    if error.advice:
        sys.stderr.write(f"  {escape_control_characters(as_typed(error.advice))}\n")


if __name__ == "__main__":
    main()
