"""The entry point of `equity`."""

import sys
from typing import ClassVar

import typer

from cli import errors
from cli.lazy import Entry, LazyGroup

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


@app.callback()
def equity() -> None:
    """Turn property records into booked appointments, and see every step of the way."""


def main() -> None:
    """Run the command line; expected faults end in a sentence and an exit code, not in a traceback."""
    try:
        app(prog_name="equity")
    except Exception as error:
        from cli.faults import explain  # noqa: PLC0415 - knows every library's errors, needed only now

        fault = explain(error)
        if fault is None:
            raise
        _report(fault)
        sys.exit(fault.exit_code)


def _report(fault: errors.CliError) -> None:
    sys.stderr.write(f"Error: {fault.problem}\n")
    if fault.advice:
        sys.stderr.write(f"  {fault.advice}\n")


if __name__ == "__main__":
    main()
