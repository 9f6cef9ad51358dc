"""Scheduled work of the replies service."""

from datetime import timedelta

import structlog

from common import telemetry
from common.bus import Bus
from common.bus.unpublished import to_record
from common.database import Database
from common.events import InstantlyWebhook
from replies import queries
from replies.outcomes import declare_metrics

log = structlog.get_logger()

DELETE_PAGE_SIZE = 5_000
UNPUBLISHED_PAGE_SIZE = 100
MIN_DECISIONS = 5
"""Fewer decisions of an hour say nothing about the model."""
MIN_FED_LEADS = 100
"""Fewer leads in campaigns say nothing about the rate of replies."""


class RepliesJobs:
    """Jobs of the replies service."""

    def __init__(self, database: Database, *, asks_model: bool) -> None:
        self._database = database
        self._asks_model = asks_model

    async def measure(self) -> None:
        """Export what the alerts need: late opt-outs, waiting replies and the share of rules."""
        declare_metrics()
        async with self._database.connection() as connection:
            figures = await queries.measure_replies(connection)
        waiting = telemetry.gauge("equity_replies_waiting", "Replies without a route")
        waiting.set(float(figures.waiting))
        oldest = telemetry.gauge("equity_reply_oldest_seconds", "Age of the oldest reply without a route")
        oldest.set(figures.oldest_seconds)
        decisions = figures.model_decisions + figures.fallbacks
        is_known = self._asks_model and decisions >= MIN_DECISIONS
        fallback = telemetry.gauge(
            "equity_reply_fallback_ratio", "Share of the last hour's replies that rules decided instead of the model"
        )
        fallback.set(figures.fallbacks / decisions if is_known else 0.0)

    async def measure_rate(self) -> None:
        """Export the share of leads that replied, among those that were fed 7 to 21 days ago; 1 while they are few."""
        async with self._database.connection() as connection:
            rate = await queries.measure_reply_rate(connection)
        gauge = telemetry.gauge("equity_reply_ratio", "Share of the leads fed 7 to 21 days ago whose person replied")
        gauge.set(rate.replied / rate.fed if rate.fed >= MIN_FED_LEADS else 1.0)

    async def delete_old_events(self) -> None:
        """Delete webhooks that are older than 400 days."""
        deleted = DELETE_PAGE_SIZE
        while deleted == DELETE_PAGE_SIZE:
            async with self._database.connection() as connection:
                deleted = await queries.delete_old_events(connection, page_size=DELETE_PAGE_SIZE)


class UnpublishedWebhooks:
    """Webhooks that the gateway committed and that Kafka does not deliver. They are handled from the gateway's outbox."""

    def __init__(self, bus: Bus, age_seconds: float) -> None:
        self._bus = bus
        self._age = timedelta(seconds=age_seconds)

    async def handle_unpublished(self) -> None:
        """Handle webhooks that wait for Kafka. A page that fails as a whole raises, and the next run begins with it."""
        after_id, handled = 0, 0
        while rows := await self._list_rows(after_id):
            records = [to_record(self._bus.topic(InstantlyWebhook.topic), row) for row in rows]
            handled += await self._bus.run_ahead(InstantlyWebhook, records)
            after_id = rows[-1].id
        if handled:
            log.warning("unpublished_webhooks_handled", count=handled)

    async def _list_rows(self, after_id: int) -> list[queries.UnpublishedWebhook]:
        async with self._bus.database.connection() as connection:
            return await queries.list_unpublished_webhooks(
                connection, older_than=self._age, after_id=after_id, page_size=UNPUBLISHED_PAGE_SIZE
            )
