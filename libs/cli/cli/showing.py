"""What the demo shows at its end: the feed, what Instantly has of it, what tracing cost, and where to look next."""

from rich.table import Table
from rich.text import Text

from cli.commands.clock import sentence
from cli.database import Row
from cli.output import console, say, show_fields, table
from cli.reports import Report
from cli.stage import Stage
from cli.typed import as_typed
from common.clock import ahead

_LARGEST = 5
_CAMPAIGNS = {"name": "the largest campaigns", "members": "members"}
_PAID = {"vendor": "paid to", "leads": "leads", "asked": "asked", "dollars": "US dollars",
         "counted_by_vendor": "paid records, as it counts all uploads"}  # fmt: skip
_HELD = {"leads": "leads", "reason": "held because"}


def show_campaign(campaign: Row, stage: Stage) -> None:
    """The feed of a day: who was fed, who was held and why, what Instantly has, and what it cost to get there."""
    day = campaign["day"]
    console().print(f"\n[bold]The feed of {day:%A, %d %B %Y}, 06:00 in Los Angeles[/bold]")
    show_fields(
        {
            "fed": campaign["fed"],
            "at Instantly": campaign["added"],
            "given back": campaign["given_back"] or None,
            "held": sum(campaign["held"].values()),
            "in line": f"{campaign['waiting']:,} for the days after",
            "no email": f"{campaign['waiting_without_email']:,} in line who can only be called",
        },
        as_json=False,
    )
    if campaign["held"]:
        rows = [{"reason": reason, "leads": leads} for reason, leads in campaign["held"].items()]
        console().print(table(rows, _HELD))
    if not campaign["fed"]:
        say('Nobody was left to feed. `equity feed preview "Demo Broker"` says who waits, and why.')
    _show_instantly(campaign["instantly"])
    rows = [row | {"dollars": f"{row['cents'] / 100:.2f}"} for row in campaign["paid"]]
    console().print(table(rows, _PAID, title="\nWhat tracing these leads cost (at the sandbox: nothing)"))
    console().print(f"\nThe services' clock shows {sentence(ahead(stage.clock_file))}")


def _show_instantly(instantly: Row) -> None:
    largest = instantly["campaigns"][:_LARGEST]
    console().print(table(largest, _CAMPAIGNS, title="\nAt Instantly"))
    told = f"{len(instantly['campaigns'])} campaigns with {instantly['members']:,} members in all: "
    if not instantly["missing"] and not instantly["unknown"]:
        console().print(f"{told}exactly those whom we believe to be there.")
        return
    console().print(
        f"{told}[bold]not those whom we believe to be there[/bold]. {instantly['missing']:,} of ours are missing, "
        f"{instantly['unknown']:,} are there whom we do not know. The next sweep (hourly) looks into it; a sandbox that was "
        "killed has forgotten its members."
    )


def where_next(report: Report, base: str, stage: Stage | None) -> Table:
    """Commands and addresses for looking further."""
    places = [
        (f"equity uploads rejects {report.upload_id}", "the rejected rows, to correct and upload again"),
        ("equity conflicts list", "records that contradict each other"),
        ("equity dlq list", "messages that could not be handled"),
        ("equity brokers list", "who got the leads"),
    ]
    if stage:
        places += [
            ('equity feed preview "Demo Broker"', "who would be fed next, who not, and why"),
            ("equity campaigns list", "the campaigns and their members"),
            ("equity jobs history", "what ran at which hour"),
            ("equity clock reset", "back to the machine's time (`show` says it, `set` moves it further)"),
            (
                f"{stage.sandbox}/_sandbox/instantly",
                "what the sandbox's Instantly has; sandbox/README.md says how to break it",
            ),
        ]
    places += [
        (f"{base}/openapi.json", "the gateway's addresses, for programs"),
        ("docs/quick-start.md", "uploading your own file"),
    ]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    for place, what in places:
        grid.add_row(Text(f"  {as_typed(place)}", style="bold"), as_typed(what))
    return grid
