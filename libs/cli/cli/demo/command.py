"""`equity demo`: the shipped sample through upload, report, feed and funnel, and what to try next."""

import asyncio
import csv
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from cli.client import upload
from cli.client.access import UrlOption
from cli.client.file_check import require_csv_file
from cli.client.http import GatewayClient, RepeatedUploadError
from cli.client.report import UploadStatusReport
from cli.client.signing import SigningKey
from cli.commands import broker_queries
from cli.commands.states.opening import StateDocuments, check_may_open, open_state
from cli.demo import summary
from cli.demo.conversations import ConversationResult, DemoConversations
from cli.demo.feed_result import FeedResult, collect_feed_result
from cli.demo.feed_run import FeedRun
from cli.demo.sandbox_setup import SandboxSetup
from cli.demo.steps import DemoSteps
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import OPERATOR, Connection, Row, connect, service_dsn
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, make_table, new_console, print_json, print_message
from cli.shell.queries import find_broker_id
from cli.shell.settings import CliSettings
from common.calendar.business_date import business_date
from common.compliance.legal_rules import legal_rules
from common.ids import BrokerId

app = new_app(
    panel="Leads in",
    summary="Upload the sample of 1,000 leads and show what becomes of it, up to consents and opt-outs.",
    order=10,
)

BROKER, PARTNER = "Demo Broker", "Demo Partner"
LEGAL_NAME = "Demo Home Equity, LLC"
_DAILY_LIMIT = 250
_SAMPLE = Path("samples", "propstream-1000.csv")
_RECORDER_SECONDS = 15.0
_POLL_SECONDS = 0.3
_NEW_KEY_SECONDS = 2.5
"""Time until a gateway knows a new key: it reads them every two seconds."""
_FUNNEL_COLUMNS = {"event_type": "event", "count": "events", "leads": "leads", "outcomes": "outcomes",
                   "avg_duration_ms": "avg ms"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Result of a demo: whether the file was a repeat, its report, its funnel, and its feed and conversations where there were any."""

    is_repeat: bool
    report: UploadStatusReport
    funnel: list[Row]
    feed: FeedResult | None
    conversations: ConversationResult | None


@app.command()
def demo(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE.csv", parser=inputs.parse_readable_file, help="Another file than the sample."),
    ] = None,
    url: UrlOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Upload the sample of 1,000 leads, signed, and show what becomes of it, up to signed consents and opt-outs.

    Makes a demo broker, partner, key and campaigns where they are missing. Where the sandbox stands in for the vendors
    (`./dev up`), it sets the services' clock to the next feeding day, and 250 leads go into campaigns. Some of them
    answer, sign and opt out. The same file a second time shows how a repeat is refused, and feeds the next leads on the
    following day.
    """
    settings = CliSettings()
    sandbox = SandboxSetup.from_settings(settings)
    chosen = file or _find_sample()
    size = require_csv_file(chosen)
    base = (url or settings.gateway_address).rstrip("/")
    result = asyncio.run(_run_demo(settings, sandbox, base, chosen, size, as_json=as_json))
    if as_json:
        print_json(
            {
                "repeats": result.is_repeat,
                "report": result.report.fields,
                "funnel": result.funnel,
                "campaign": result.feed,
                "conversations": result.conversations,
            }
        )
        return
    _print_summary(result, base, sandbox)


def _print_summary(result: DemoResult, base: str, sandbox: SandboxSetup | None) -> None:
    new_console().print(make_table(result.funnel, _FUNNEL_COLUMNS, title="\nThe funnel of this upload"))
    if result.feed and sandbox:
        new_console().print(
            "`updated` includes leads whose key (MAK) tracing found, so it exceeds the file's own rows."
        )
        summary.print_feed_result(result.feed, sandbox)
        if result.conversations:
            summary.print_conversations(result.conversations)
    else:
        print_message(
            "\nThe demo ends here: no sandbox stands in for the vendors, or no clock can be moved (SANDBOX_URL, CLOCK_FILE).\n"
            "`./dev demo` in a separate working copy, or docker compose, also shows verification, feeding and campaigns."
        )
    new_console().print("\nWhere to look next")
    new_console().print(summary.list_next_steps(result.report, base, sandbox))


def _find_sample() -> Path:
    """Return the sample in the current directory or in the workspace of this file. Raises UsageError where it is in neither."""
    for root in (Path.cwd(), Path(__file__).parents[4]):
        if (root / _SAMPLE).is_file():
            return root / _SAMPLE
    raise UsageError(
        f"The sample {_SAMPLE} is not here.", "Run it in the workspace, or name a file: equity demo FILE.csv"
    )


async def _run_demo(
    settings: CliSettings, sandbox: SandboxSetup | None, base: str, file: Path, size: int, *, as_json: bool
) -> DemoResult:
    """Run the whole demo, with its progress on stderr; print the report for people as soon as it is there."""
    steps = DemoSteps.load()
    states = await asyncio.to_thread(_read_states, file)
    async with connect(settings.owner_dsn) as connection:
        async with connection.transaction():
            broker_id = await _prepare_broker(connection, states)
        key, is_new = await steps.prepare_key(PARTNER)
        if sandbox:
            await steps.publish_consent_text()
            await steps.subscribe_gateway(base)
            await _open_states(broker_id, states, business_date(settings.now))
        feed_run = FeedRun(connection, sandbox, broker_id, steps) if sandbox else None
        if feed_run:
            await feed_run.create_campaigns(BROKER, settings.postal_address)
        if is_new:
            await asyncio.sleep(_NEW_KEY_SECONDS)
        is_repeat, report = await _upload_file(base, key, file, size)
        if not as_json:
            report.print(as_json=False)
        await _wait_for_recorder(steps, report)
        feed, conversations = None, None
        if feed_run:
            day = await feed_run.feed_upload(report.upload_id)
            feed = await collect_feed_result(feed_run, day, report.upload_id)
            async with aiohttp.ClientSession() as http:
                conversations = await DemoConversations(feed_run, http).hold(day)
        funnel = await steps.count_upload_events(report.upload_id)
        return DemoResult(is_repeat, report, funnel, feed, conversations)


async def _upload_file(base: str, key: SigningKey, file: Path, size: int) -> tuple[bool, UploadStatusReport]:
    """Upload *file*; return whether it is a repeat, and the report of its upload."""
    async with GatewayClient.open_session(base, key) as gateway:
        try:
            is_repeat, upload_id = False, str((await upload.send_file(gateway, file, size, ()))["upload_id"])
        except RepeatedUploadError as repeat:
            if repeat.upload_id is None:
                raise
            is_repeat, upload_id = True, repeat.upload_id
            print_message(f"409: {repeat.problem} Here is its report.")
        return is_repeat, await upload.follow_upload(gateway, upload_id)


async def _prepare_broker(connection: Connection, states: list[str]) -> BrokerId:
    """Return the demo's broker. Where it is missing, add it with the *states* as its territory."""
    found = await find_broker_id(connection, name_or_id=BROKER)
    if found is not None:
        return found
    added = await broker_queries.add_broker(
        connection,
        broker_id=None,
        name=BROKER,
        legal_name=LEGAL_NAME,
        email=None,
        daily_limit=_DAILY_LIMIT,
        booking_link=None,
    )
    for state in states:
        if not await broker_queries.find_territory_holder(
            connection, broker_id=added.id, state=state, county=None, zip_code=None
        ):
            await broker_queries.add_territory(connection, broker_id=added.id, state=state, county=None, zip_code=None)
    print_message(f"Made the broker {BROKER!r} with the territory {', '.join(states)}.")
    return added.id


async def _open_states(broker_id: BrokerId, states: list[str], today: date) -> None:
    """Open the *states* that may be opened for calls of the demo's broker. The sample's people are invented."""
    opened, closed = [], []
    async with connect(service_dsn(OPERATOR)) as connection, connection.transaction():
        for state in states:
            exemption = "demo: invented people" if legal_rules().law_of(state, today).needs_registration else None
            documents = StateDocuments("demo licence", exemption=exemption)
            try:
                check_may_open(state, documents, today)
                if await open_state(connection, broker_id, state, documents, "equity demo"):
                    opened.append(state)
            except CommandRefusedError as error:
                closed.append(error.problem)
    if opened:
        print_message(f"Opened for calls of {BROKER!r}: {', '.join(opened)}.")
    for problem in closed:
        print_message(f"Not opened for calls: {problem}")


def _read_states(file: Path) -> list[str]:
    """Return the states of the file's properties."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as rows:
        found = {(row.get("State") or "").strip().upper() for row in csv.DictReader(rows)}
    return sorted(state for state in found if len(state) == 2 and state.isalpha())  # noqa: PLR2004 - such as FL


async def _wait_for_recorder(steps: DemoSteps, report: UploadStatusReport) -> None:
    """Wait until the recorder has written ingest's events of the upload, for some seconds at most."""
    updates = report.count_rows("inserted") + report.count_rows("updated")
    expected = {"upload_received": 1, "dedupe_success": updates, "lead_rejected": report.count_rows("rejected")}
    deadline = time.monotonic() + _RECORDER_SECONDS
    while time.monotonic() < deadline:
        counts = {row["event_type"]: row["count"] for row in await steps.count_upload_events(report.upload_id)}
        if all(counts.get(event, 0) >= count for event, count in expected.items()):
            return
        await asyncio.sleep(_POLL_SECONDS)
