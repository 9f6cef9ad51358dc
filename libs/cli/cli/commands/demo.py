"""The main job on the shipped sample: upload, report, feed, funnel, and where to look next."""

import asyncio
import csv
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli import checks, inputs, secrets, showing, uploading
from cli.commands import funnel
from cli.database import Connection, Row, all_rows, connected, queries
from cli.errors import UsageError
from cli.feeding import Feeding, result
from cli.http import Gateway, RepeatError
from cli.lazy import new_app
from cli.output import AsJson, console, print_json, say, table
from cli.partner import Url
from cli.reports import Report
from cli.settings import CliSettings
from cli.signing import Scheme, SigningKey
from cli.stage import Stage
from common.ids import new_id

app = new_app()

BROKER, PARTNER = "Demo Broker", "Demo Partner"
_SAMPLE = Path("samples", "propstream-1000.csv")
_FUNNEL_SECONDS = 15.0
_EVER = timedelta(days=3650)
_KEY_SECONDS = 2.5
"""A gateway may know a new key only then: it reads them every two seconds."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a demo brought: whether the file was a repeat, its report, its funnel, and the feed where there was one."""

    repeats: bool
    report: Report
    stages: list[Row]
    campaign: Row | None


@app.command()
def demo(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE.csv", parser=inputs.file_to_read, help="Another file than the sample."),
    ] = None,
    url: Url = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Upload the sample of 1,000 leads, signed, and show what becomes of it, up to the email campaign.

    Makes a demo broker, partner, key and campaigns where they are missing. Where the sandbox stands in for the vendors
    (`./dev up`), it sets the services' clock to the next feeding day, and 250 leads go into campaigns. The same file a
    second time shows how a repeat is refused, and feeds the next leads on the day after.
    """
    settings = CliSettings()
    stage = Stage.of(settings)
    chosen = file or _sample()
    size = checks.sendable(chosen)
    base = (url or settings.gateway).rstrip("/")
    shown = asyncio.run(_demo(settings, stage, base, chosen, size, as_json=as_json))
    if as_json:
        campaign = shown.campaign
        print_json(
            {"repeats": shown.repeats, "report": shown.report.answer, "funnel": shown.stages, "campaign": campaign}
        )
        return
    console().print(table(shown.stages, funnel.COLUMNS, title="\nThe funnel of this upload"))
    if shown.campaign and stage:
        console().print("`updated` has the leads, too, whose key (MAK) tracing found: more than the file's own rows.")
        showing.show_campaign(shown.campaign, stage)
    else:
        say(
            "\nThe demo ends here: no sandbox stands in for the vendors, or no clock can be moved (SANDBOX_URL, CLOCK_FILE).\n"
            "`./dev demo` in a working copy of its own, or docker compose, also shows verification, feeding and campaigns."
        )
    console().print("\nWhere to look next")
    console().print(showing.where_next(shown.report, base, stage))


def _sample() -> Path:
    """The sample, from here or from where the workspace lies. Raises UsageError when it is in neither place."""
    for root in (Path.cwd(), Path(__file__).parents[4]):
        if (root / _SAMPLE).is_file():
            return root / _SAMPLE
    raise UsageError(
        f"The sample {_SAMPLE} is not here.", "Run it in the workspace, or name a file: equity demo FILE.csv"
    )


async def _demo(
    settings: CliSettings, stage: Stage | None, base: str, file: Path, size: int, *, as_json: bool
) -> Shown:
    """Everything that is done, with its progress on stderr; for people the report as soon as it is there."""
    async with connected(settings.admin_dsn) as connection:
        async with connection.transaction():
            broker, partner = await _broker_and_partner(connection, await asyncio.to_thread(_states, file))
            key, is_new = await _key(connection, partner)
        feeding = Feeding(connection, stage, broker) if stage else None
        if feeding:
            await feeding.make_campaigns(BROKER, settings)
        if is_new:
            await asyncio.sleep(_KEY_SECONDS)
        repeats, report = await _upload(base, key, file, size)
        if not as_json:
            report.show(as_json=False)
        await _recorded(connection, report)
        campaign = None
        if feeding:
            day = await feeding.run(report.upload_id)
            campaign = await result(feeding, day, report.upload_id)
        stages = await funnel.stages(connection, _EVER, report.upload_id)
        return Shown(repeats, report, stages, campaign)


async def _upload(base: str, key: SigningKey, file: Path, size: int) -> tuple[bool, Report]:
    """Whether *file* was sent before, and the report of its upload."""
    async with Gateway.open(base, key) as gateway:
        try:
            repeats, upload_id = False, str((await uploading.send(gateway, file, size, {}))["upload_id"])
        except RepeatError as repeat:
            if repeat.upload_id is None:
                raise
            repeats, upload_id = True, repeat.upload_id
            say(f"409: {repeat.problem} Here is what that one brought.")
        return repeats, await uploading.follow(gateway, upload_id)


async def _broker_and_partner(connection: Connection, states: list[str]) -> tuple[UUID, UUID]:
    """The demo's broker, with the states as its territory, and its partner; both made where they are missing."""
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
    return UUID(str(broker)), UUID(str(partner))


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


async def _recorded(connection: Connection, report: Report) -> None:
    """Wait until the recorder has written what ingest made of the upload, or for a while."""
    updates = report.count("inserted") + report.count("updated")
    expected = {"upload_received": 1, "dedupe_success": updates, "lead_rejected": report.count("rejected")}
    deadline = time.monotonic() + _FUNNEL_SECONDS
    while time.monotonic() < deadline:
        found = {row["event_type"]: row["count"] for row in await funnel.stages(connection, _EVER, report.upload_id)}
        if all(found.get(event, 0) >= count for event, count in expected.items()):
            return
        await asyncio.sleep(0.3)
