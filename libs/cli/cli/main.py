"""The entry point of `equity`."""

import os
import sys
import traceback
from typing import Annotated, ClassVar

import typer

from cli import errors
from cli.lazy import Entry, LazyGroup
from cli.typed import as_typed, program
from cli.values import safe

_UPLOADS, _WATCHING, _CAMPAIGNS = "Leads in", "Watching", "Campaigns"
_PEOPLE, _RUNNING = "Partners and brokers", "Running it"


class Commands(LazyGroup):
    """The commands in the order in which one meets them."""

    entries: ClassVar[dict[str, Entry]] = {
        "demo": Entry(_UPLOADS, "Upload the sample of 1,000 leads and show what becomes of it, up to the campaign."),
        "upload": Entry(_UPLOADS, "Sign a CSV file, upload it, and follow it until every row has its verdict."),
        "uploads": Entry(_UPLOADS, "Uploads taken so far: list, report, rejected rows."),
        "searches": Entry(_UPLOADS, "Saved searches at BatchData: add, list, run, and what was spent on them."),
        "funnel": Entry(_WATCHING, "How many leads came how far."),
        "dlq": Entry(_WATCHING, "Dead letters: what could not be handled, why, and handling it again."),
        "conflicts": Entry(_WATCHING, "Records that contradict each other: list, and settle."),
        "campaigns": Entry(_CAMPAIGNS, "Email campaigns: make them of a file, and see how they stand."),
        "feed": Entry(_CAMPAIGNS, "Who goes into a campaign today, who not, and why."),
        "tlo": Entry(
            _UPLOADS, "TLOxp by file: leads out, answers in. Off until the firm's permissible purpose is set."
        ),
        "brokers": Entry(_PEOPLE, "Brokers and their territories."),
        "partners": Entry(_PEOPLE, "Partners who upload leads."),
        "keys": Entry(_PEOPLE, "Partners' keys for signing: add, rotate, revoke."),
        "run": Entry(_RUNNING, "Run services in this process."),
        "jobs": Entry(_RUNNING, "What runs at a time of day: list, run now, and how it ended."),
        "clock": Entry(_RUNNING, "The clock of jobs and feeds: show it, and move it for a demonstration."),
        "topics": Entry(_RUNNING, "Kafka topics: list, create what is missing, compare."),
        "db": Entry(_RUNNING, "The database: migrate, roll back, back up, restore."),
    }


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or setting, 3 refused or conflict, 4 not reachable.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - takes time, needed only now

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
    """Run the command line; every error ends in a sentence and an exit code, the traceback comes with --debug only."""
    try:
        code = app(prog_name=program(), standalone_mode=False)
    except typer.Abort:
        sys.stderr.write("Stopped. Nothing more was done.\n")
        sys.exit(errors.FAILED)
    except Exception as error:  # noqa: BLE001 - the last resort: nothing ends in a traceback
        if os.environ.get("EQUITY_DEBUG", "") not in ("", "0", "false"):
            traceback.print_exc()
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]  # typer's own: the help is the message
            sys.exit(errors.USAGE)
        fault = _fault(error)
        _report(fault)
        sys.exit(fault.exit_code)
    sys.exit(code if isinstance(code, int) else errors.OK)


def _fault(error: Exception) -> errors.CliError:
    """Return the fault behind *error* in the user's words."""
    if isinstance(error, errors.CliError):
        return error
    if told := getattr(error, "format_message", None):  # typer's own, of options and arguments
        context = getattr(error, "ctx", None)
        command = context.command_path if context else program()
        return errors.UsageError(told(), f"See: {command} --help")
    from cli.faults import explain, unexpected  # noqa: PLC0415 - knows every library's errors, needed only now

    return explain(error) or unexpected(error)


def _report(fault: errors.CliError) -> None:
    sys.stderr.write(f"Error: {safe(as_typed(fault.problem))}\n")
    if fault.advice:
        sys.stderr.write(f"  {safe(as_typed(fault.advice))}\n")


if __name__ == "__main__":
    main()
