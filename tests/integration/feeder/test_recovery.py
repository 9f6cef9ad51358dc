"""Recovery of verified leads whose event was lost: they are queued from their state, others are not."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

from feeder.handlers import FeederHandlers
from feeder.recovery import QueueRecovery
from support.feeding import FeedFixture


async def test_overlooked_leads_are_queued_once_and_others_are_not(
    feed_data: FeedFixture, running: Callable[..., AbstractAsyncContextManager[list[Any]]]
) -> None:
    leads = await feed_data.add_leads(await feed_data.add_broker(), 6)
    overlooked, phone, late, unverified, dead, stopped = leads
    await feed_data.db.execute("alter table app.leads disable trigger user")
    await feed_data.db.execute("update app.leads set campaign_status = 'new', updated_at = now() - interval '1 hour'")
    await feed_data.db.execute(
        "update app.leads set email_verified = false, phone_verified = true where id = $1", phone
    )
    await feed_data.db.execute("update app.leads set updated_at = now() where id = $1", late)
    await feed_data.db.execute("update app.leads set email_verified = false where id = $1", unverified)
    await feed_data.db.execute("update app.leads set deceased_owner = true where id = $1", dead)
    await feed_data.db.execute("update app.leads set campaign_status = 'unsubscribed' where id = $1", stopped)
    await feed_data.db.execute("alter table app.leads enable trigger user")
    async with running("feeder", feeder_recovery_check_seconds=3_600) as (service,):
        recovery = QueueRecovery(service.bus, FeederHandlers(service.clock), timedelta(minutes=15).total_seconds())
        await recovery.queue_overlooked_leads()
        await recovery.queue_overlooked_leads()
    rows = await feed_data.db.fetch("select id from app.leads where campaign_status = 'queued'")
    assert {row["id"] for row in rows} == {overlooked, phone}
