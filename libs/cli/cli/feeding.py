"""The demo's second half: an upload's leads on their way into the sandbox's Instantly, at hours that a moved clock shows."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from cli import campaigns, progress
from cli.commands.campaigns import put
from cli.commands.clock import turn
from cli.database import Connection, Row, all_rows, queries
from cli.errors import CliError
from cli.output import say
from cli.services import administered, module
from cli.settings import CliSettings
from cli.stage import Stage
from common.business_time import BUSINESS_ZONE
from common.clock import clock_of
from common.contacts import Keyring

POSTAL_ADDRESS = "1 Sample Street, Tampa, FL 33602"
"""Stands in the demo's emails, which nobody gets, where POSTAL_ADDRESS is not set."""

_REFRESH, _FEED = "feeder.refresh", "feeder.feed"
_PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.3
_DAYS_AHEAD = 90
_OPERATIONS = {
    "melissa": "verify",
    "batchdata": "skip_trace",
    "batchdata_dnc": "phone_dnc",
    "batchdata_tcpa": "phone_tcpa",
}
"""What each provider asks of its vendor, as the sandbox names it."""

Step = Callable[[], Awaitable[tuple[int, int]]]


class UnfinishedError(CliError):
    """A step of the demo came no further for a while."""

    def __init__(self, step: str, done: int, total: int, advice: str) -> None:
        super().__init__(
            f"The demo stopped at “{step}”: {done:,} of {total:,}, and no more in {_PATIENCE_SECONDS:.0f} seconds.",
            advice,
        )


async def follow(step: str, look: Step, advice: str) -> None:
    """Show how far *step* is until all is done. Raises UnfinishedError with *advice* when it comes no further."""
    last, moved_at = -1, monotonic()
    with progress.of_rows(step) as bar:
        while True:
            done, total = await look()
            bar.reach(done, total)
            if done >= total:
                return
            if done != last:
                last, moved_at = done, monotonic()
            elif monotonic() - moved_at > _PATIENCE_SECONDS:
                raise UnfinishedError(step, done, total, advice)
            await asyncio.sleep(_PAUSE_SECONDS)


@dataclass(frozen=True, slots=True)
class Feeding:
    """One feed of the demo's broker, on *stage*."""

    connection: Connection
    stage: Stage
    broker_id: UUID

    async def make_campaigns(self, broker: str, settings: CliSettings) -> None:
        """The broker's campaigns, one for each of the shipped personas, as `equity campaigns sync` makes them."""
        read = campaigns.load(campaigns.SHIPPED)
        wanted = campaigns.rows(read, settings.postal_address or POSTAL_ADDRESS, {broker: self.broker_id})
        async with self.connection.transaction():
            counts = await put(self.connection, read, wanted)
        if counts["created"]:
            say(f"Made {counts['created']} campaigns, one for each persona.")

    async def run(self, upload_id: str) -> date:
        """From the leads of an upload to Instantly; the day whose feed it was. Raises UnfinishedError naming the step."""
        await follow("tracing", lambda: self._traced(upload_id), self._look("calls/melissa", "equity dlq list"))
        await follow("campaigns", self._campaigns, self._look("calls/instantly", "equity campaigns list"))
        day = await self._next_day()
        await self._let_it_be(day, _REFRESH, "the list of who may be fed is made")
        await self._let_it_be(day, _FEED, "the feed begins")
        await follow("Instantly", lambda: self._added(day), self._look("calls/instantly", "equity feed slots"))
        return day

    async def _traced(self, upload_id: str) -> tuple[int, int]:
        row = await queries.traced_of_upload(self.connection, upload_id=upload_id)
        return row["traced"] - row["to_be_queued"], row["leads"]

    async def _campaigns(self) -> tuple[int, int]:
        row = await queries.count_campaigns(self.connection, broker_id=self.broker_id)
        return row["campaigns"] - row["due"], row["campaigns"]

    async def _added(self, day: date) -> tuple[int, int]:
        row = await queries.slots_of_day(self.connection, broker_id=self.broker_id, local_date=day)
        return row["recorded"], row["fed"]

    async def _next_day(self) -> date:
        """The first day on which the broker is fed, after whatever was fed before, and not yet begun by the clock."""
        broker = await queries.show_broker(self.connection, broker_id=self.broker_id)
        own = broker["feed_on_holidays"]
        on_holidays = administered("feeder").feed_on_holidays if own is None else own
        calendar = module("feeder", "daily_feed.feed_calendar").FeedCalendar(
            broker["feed_weekdays"], on_holidays, broker["days_off"]
        )
        now = clock_of(self.stage.clock_file)().astimezone(BUSINESS_ZONE)
        day = now.date() if now.time() < await self._hour(_REFRESH) else now.date() + timedelta(days=1)
        last = await queries.last_feeding_day(self.connection, broker_id=self.broker_id)
        day = max(day, last + timedelta(days=1)) if last else day
        for ahead in range(_DAYS_AHEAD):
            if calendar.is_feed_day(day + timedelta(days=ahead)):
                return day + timedelta(days=ahead)
        raise CliError("The demo's broker is fed on no day of the next three months.", "See: equity brokers set --help")

    async def _hour(self, job: str) -> time:
        """The hour of a daily *job*, as its service has declared it."""
        hour: time | None = await queries.job_hour(self.connection, job=job)
        if hour is None:
            raise CliError(
                f"Nobody has declared the job {job}.", "Is the feeder running? `equity jobs list` shows who did."
            )
        return hour

    async def _let_it_be(self, day: date, job: str, what: str) -> None:
        """Move the clock to the hour of *job* on *day*, and wait until the feeder has done it."""
        moment = datetime.combine(day, await self._hour(job), BUSINESS_ZONE)
        turn(self.stage.clock_file, moment)
        say(f"It is {moment:%A, %d %B %Y, %H:%M} in Los Angeles: {what}.")
        look = self._look("calls/instantly", f"equity jobs history {job}")
        await follow(job.partition(".")[2], lambda: self._ended(job, day), look)

    async def _ended(self, job: str, day: date) -> tuple[int, int]:
        outcome = await queries.job_outcome(self.connection, job=job, local_date=day)
        return int(outcome == "ok"), 1

    def _look(self, path: str, command: str) -> str:
        return f"Look with `{command}`, at {self.stage.sandbox}/_sandbox/{path}, and into the services' log."


async def result(feeding: Feeding, day: date, upload_id: str) -> Row:
    """What came of the feed of *day*: counts, who was held and why, what Instantly has, and what tracing cost."""
    connection, broker_id = feeding.connection, feeding.broker_id
    slots = await queries.slots_of_day(connection, broker_id=broker_id, local_date=day)
    held = await all_rows(queries.held_on_day(connection, broker_id=broker_id, local_date=day))
    line = await queries.in_line(connection, broker_id=broker_id)
    return {
        "day": day,
        **{name: slots[name] for name in ("fed", "added", "given_back")},
        "held": {row["reason"]: row["leads"] for row in held},
        **line,
        "instantly": await _at_instantly(feeding),
        "paid": [
            row | {"counted_by_vendor": await _counted(feeding.stage, row["vendor"])}
            for row in await all_rows(queries.paid_for_upload(connection, upload_id=upload_id))
        ],
    }


async def _counted(stage: Stage, provider: str) -> int | None:
    """The paid records that the vendor itself counts for what *provider* asks of it; None for one that is asked by file."""
    if provider not in _OPERATIONS:
        return None
    operations: dict[str, int] = (await stage.ask(f"paid/{provider.partition('_')[0]}"))["operations"]
    return sum(count for name, count in operations.items() if name.startswith(_OPERATIONS[provider]))


async def _at_instantly(feeding: Feeding) -> Row:
    """What the sandbox's Instantly has, beside what we believe; addresses are compared by their keyed hash."""
    keyring = Keyring.from_settings(CliSettings())
    shown: list[dict[str, Any]] = (await feeding.stage.ask("instantly"))["campaigns"]
    there = {(campaign["id"], keyring.hash_contact(email)) for campaign in shown for email in campaign["members"]}
    rows = await all_rows(queries.believed_members(feeding.connection))
    ours = {(row["campaign"], bytes(row["value_hash"])) for row in rows}
    return {
        "campaigns": [
            {"name": campaign["name"].partition(" [")[0], "members": len(campaign["members"])}
            for campaign in sorted(shown, key=lambda campaign: -len(campaign["members"]))
        ],
        "members": len(there),
        "believed": len(ours),
        "missing": len(ours - there),
        "unknown": len(there - ours),
    }
