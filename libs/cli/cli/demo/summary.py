"""Summary at the end of the demo: the feed, Instantly's members, the cost of tracing, and what to try next."""

from rich.table import Table
from rich.text import Text

from cli.client.report import UploadStatusReport
from cli.commands.clock import describe_clock
from cli.demo.conversations import ConversationResult
from cli.demo.feed_result import FeedResult, MemberComparison
from cli.demo.sandbox_setup import SandboxSetup
from cli.shell.output import make_table, new_console, print_fields, print_message, to_fields
from cli.shell.typed_commands import as_typed
from common.calendar.clock import clock_offset

_MAX_CAMPAIGNS_SHOWN = 5
_CAMPAIGN_COLUMNS = {"name": "the largest campaigns", "members": "members"}
_COST_COLUMNS = {"vendor": "paid to", "leads": "leads", "asked": "asked", "dollars": "US dollars",
                 "counted_by_vendor": "paid records, as it counts all uploads"}  # fmt: skip
_REPLY_COLUMNS = {"said": "said", "email": "to email", "intent": "means", "decided_by": "decided by", "route": "route",
                  "status": "lead is"}  # fmt: skip
_OPT_OUT_COLUMNS = {"way": "by", "refused": "gate refuses after", "out": "out at Instantly after"}
_HISTORY_COLUMNS = {"at": "recorded", "event": "event", "outcome": "outcome"}
_SKIPPED_COLUMNS = {"leads": "leads", "reason": "skipped because"}


def print_feed_result(result: FeedResult, sandbox: SandboxSetup) -> None:
    """Print the feed of a day: leads fed, leads skipped and why, Instantly's members, and the cost so far."""
    day = result.day
    new_console().print(f"\n[bold]The feed of {day:%A, %d %B %Y}, 06:00 in Los Angeles[/bold]")
    print_fields(
        {
            "fed": result.fed,
            "at Instantly": result.added,
            "returned": result.returned or None,
            "skipped": sum(result.skipped.values()),
            "queued": f"{result.waiting:,} for the days after",
            "no email": f"{result.waiting_without_email:,} queued leads that can only be called",
        },
        as_json=False,
    )
    if result.skipped:
        rows = [{"reason": reason, "leads": leads} for reason, leads in result.skipped.items()]
        new_console().print(make_table(rows, _SKIPPED_COLUMNS))
    if not result.fed:
        print_message('No lead was left to feed. `equity feed preview "Demo Broker"` shows which wait, and why.')
    _print_members(result.instantly)
    rows = [to_fields(cost) | {"dollars": f"{cost.cents / 100:.2f}"} for cost in result.paid]
    title = "\nWhat tracing these leads cost (at the sandbox: nothing)"
    new_console().print(make_table(rows, _COST_COLUMNS, title=title))
    new_console().print(f"\nThe services' clock shows {describe_clock(clock_offset(sandbox.clock_file))}")


def _print_members(instantly: MemberComparison) -> None:
    largest = instantly.campaigns[:_MAX_CAMPAIGNS_SHOWN]
    new_console().print(make_table(largest, _CAMPAIGN_COLUMNS, title="\nAt Instantly"))
    counts = f"{len(instantly.campaigns)} campaigns with {instantly.members:,} members in all: "
    if not instantly.missing and not instantly.unknown:
        new_console().print(f"{counts}exactly those that the database has.")
        return
    new_console().print(
        f"{counts}[bold]not those that the database has[/bold]. {instantly.missing:,} of the database are missing, "
        f"{instantly.unknown:,} are unknown to it. The next audit (hourly) looks into it; a sandbox that was "
        "killed has lost its members."
    )


def print_conversations(result: ConversationResult) -> None:
    """Print replies with their routes, signatures, opt-outs with the time to their effect, a lead's history, and a proof."""
    if not result.replies:
        print_message("Too few leads were fed for the conversations. Run the demo again to feed those of the next day.")
        return
    replies = [to_fields(reply) for reply in result.replies]
    new_console().print(make_table(replies, _REPLY_COLUMNS, title="\nReplies to the first three emails"))
    new_console().print(f"\nSigned on the consent page by HTTP; it says: {', '.join(sorted(set(result.form_titles)))}.")
    opt_outs = [
        {"way": one.way, "refused": f"{one.refused_after:.2f} s", "out": f"{one.out_after:.1f} s"}
        for one in result.opt_outs
    ]
    new_console().print(make_table(opt_outs, _OPT_OUT_COLUMNS, title="\nOpt-outs, and when they took effect"))
    moments = [to_fields(moment) | {"at": f"{moment.at:%H:%M:%S}"} for moment in result.history]
    new_console().print(make_table(moments, _HISTORY_COLUMNS, title=f"\nHistory of lead {result.signed_lead}"))
    new_console().print("\n[bold]Proof of its consent[/bold]")
    new_console().print(Text(result.proof))


def list_next_steps(report: UploadStatusReport, base: str, sandbox: SandboxSetup | None) -> Table:
    """Return commands and addresses for looking further."""
    steps = [
        (f"equity uploads rejects {report.upload_id}", "the rejected rows, to correct and upload again"),
        ("equity conflicts list", "records that contradict each other"),
        ("equity dlq list", "messages that could not be handled"),
        ("equity brokers list", "the brokers, and how many leads each has"),
    ]
    if sandbox:
        steps += [
            ('equity feed preview "Demo Broker"', "leads that would be fed next, the others, and why"),
            ("equity campaigns list", "the campaigns and their members"),
            ("equity jobs history", "what ran at which hour"),
            ("equity clock reset", "back to the machine's time (`show` says it, `set` moves it further)"),
            (
                f"{sandbox.address}/_sandbox/instantly",
                "the state of the sandbox's Instantly; sandbox/README.md says how to break it",
            ),
        ]
    steps += [
        (f"{base}/openapi.json", "the gateway's addresses, for programs"),
        ("docs/quick-start.md", "uploading your own file"),
    ]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    for step, purpose in steps:
        grid.add_row(Text(f"  {as_typed(step)}", style="bold"), as_typed(purpose))
    return grid
