"""The main job on the shipped sample: upload, report, funnel, and where to look next."""

import asyncio
import csv
import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from cli import checks, secrets, uploading
from cli.commands import funnel
from cli.database import Connection, Row, all_rows, connected, queries
from cli.errors import UsageError
from cli.http import Gateway, RepeatError
from cli.lazy import new_app
from cli.output import AsJson, console, print_json, say, table
from cli.partner import Url
from cli.reports import Report
from cli.settings import CliSettings
from cli.signing import Scheme, SigningKey
from common.ids import new_id

app = new_app()

BROKER, PARTNER = "Demo Broker", "Demo Partner"
_SAMPLE = Path("samples", "propstream-1000.csv")
_FUNNEL_SECONDS = 15.0
_KEY_SECONDS = 2.5
"""A gateway may know a new key only then: it reads them every two seconds."""


@app.command()
def demo(
    file: Annotated[Path | None, typer.Argument(metavar="FILE.csv", help="Another file than the sample.")] = None,
    url: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Upload the sample of 1,000 leads, signed, and show what became of it.

    Makes a demo broker, partner and key where they are missing. The same file a second time shows how a repeat is
    refused, and what the first time brought.
    """
    settings = CliSettings()
    chosen = file or _sample()
    size = checks.sendable(chosen)
    base = (url or settings.gateway).rstrip("/")
    repeats, report, stages = asyncio.run(_demo(settings.admin_dsn, base, chosen, size))
    if as_json:
        print_json({"repeats": repeats, "report": report.answer, "funnel": stages})
        return
    report.show(as_json=False)
    console().print(table(stages, funnel.COLUMNS, title="\nThe funnel of this upload"))
    console().print("\nWhere to look next")
    console().print(_where_next(report, base))


def _sample() -> Path:
    """The sample, from here or from where the workspace lies. Raises UsageError when it is in neither place."""
    for root in (Path.cwd(), Path(__file__).parents[4]):
        if (root / _SAMPLE).is_file():
            return root / _SAMPLE
    raise UsageError(
        f"The sample {_SAMPLE} is not here.", "Run it in the workspace, or name a file: equity demo FILE.csv"
    )


async def _demo(dsn: str, base: str, file: Path, size: int) -> tuple[bool, Report, list[Row]]:
    """Whether the file was a repeat, its report, and its funnel."""
    async with connected(dsn) as connection:
        async with connection.transaction():
            partner = await _partner(connection, await asyncio.to_thread(_states, file))
            key, is_new = await _key(connection, partner)
        if is_new:
            await asyncio.sleep(_KEY_SECONDS)
        async with Gateway.open(base, key) as gateway:
            repeats, upload_id = False, ""
            try:
                upload_id = str((await uploading.send(gateway, file, size, {}))["upload_id"])
            except RepeatError as repeat:
                if repeat.upload_id is None:
                    raise
                repeats, upload_id = True, repeat.upload_id
                say(f"409: {repeat.problem} Here is what that one brought.")
            report = await uploading.follow(gateway, upload_id)
        return repeats, report, await _whole_funnel(connection, report)


async def _partner(connection: Connection, states: list[str]) -> UUID:
    """The demo partner, and a broker with the states as its territory; both made where they are missing."""
    broker = await queries.broker_named(connection, named=BROKER)
    if broker is None:
        broker = (await queries.add_broker(
            connection, id=None, name=BROKER, email=None, daily_limit=250, booking_link=None
        ))["id"]  # fmt: skip
        areas = [{"broker_id": broker, "state": state, "county": None, "zip": None} for state in states]
        for area in areas:
            if not await queries.territory_holder(connection, **area):
                await queries.add_territory(connection, **area)
        say(f"Made the broker {BROKER!r} with the territory {', '.join(states)}.")
    partner = await queries.partner_named(connection, named=PARTNER)
    if partner is None:
        partner = new_id()
        await queries.add_partner(connection, id=partner, name=PARTNER, broker_ids=None, default_broker_id=None)
        say(f"Made the partner {PARTNER!r}.")
    return UUID(str(partner))


async def _key(connection: Connection, partner: UUID) -> tuple[SigningKey, bool]:
    """A key of the partner, and whether it had to be made."""
    if key := secrets.usable(await all_rows(queries.signing_keys(connection, partner_id=partner)), CliSettings()):
        return key, False
    key_id, secret = secrets.new_key_id(PARTNER), secrets.new_secret()
    await queries.add_key(
        connection, key_id=key_id, partner_id=partner, scheme="v2", secret_sealed=secrets.seal(key_id, secret)
    )
    say(f"Made the key {key_id!r}.")
    return SigningKey(key_id, secret.encode(), Scheme.V2), True


def _states(file: Path) -> list[str]:
    """The states that the file's properties lie in."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as rows:
        found = {(row.get("State") or "").strip().upper() for row in csv.DictReader(rows)}
    return sorted(state for state in found if len(state) == 2 and state.isalpha())  # noqa: PLR2004 - such as FL


async def _whole_funnel(connection: Connection, report: Report) -> list[Row]:
    """The upload's events, once the recorder has written all of them, or after a while."""
    expected = report.count("inserted") + report.count("updated") + report.count("rejected")
    deadline = time.monotonic() + _FUNNEL_SECONDS
    while True:
        stages = await funnel.stages(connection, timedelta(days=3650), report.upload_id)
        if sum(row["count"] for row in stages) > expected or time.monotonic() > deadline:  # one is `upload_received`
            return stages
        await asyncio.sleep(0.3)


def _where_next(report: Report, base: str) -> Table:
    """Commands and addresses for looking further."""
    grid = Table.grid(padding=(0, 2))
    for place, what in (
        (f"equity uploads show {report.upload_id}", "this report again"),
        (f"equity uploads rejects {report.upload_id}", "the rejected rows, to correct and upload again"),
        ("equity conflicts list", "records that contradict each other"),
        ("equity dlq list", "messages that could not be handled"),
        ("equity brokers list", "who got the leads"),
        (f"{base}/openapi.json", "the gateway's addresses, for programs"),
        ("docs/quick-start.md", "uploading your own file"),
    ):
        grid.add_row(f"  [bold]{place}[/bold]", what)
    return grid
