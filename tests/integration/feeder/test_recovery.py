"""Verified leads whose event was lost are queued from their state; those that an event may still queue are left alone."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

from feeder.handlers import Queueing
from feeder.recovery import LeadRecovery
from support.feeding import Ranch


async def test_forgotten_leads_are_queued_once_and_others_are_not(
    ranch: Ranch, running: Callable[..., AbstractAsyncContextManager[list[Any]]]
) -> None:
    leads = await ranch.leads(await ranch.broker(), 6)
    forgotten, phone, late, unverified, dead, stopped = leads
    await ranch.db.execute("alter table app.leads disable trigger user")
    await ranch.db.execute("update app.leads set campaign_status = 'new', updated_at = now() - interval '1 hour'")
    await ranch.db.execute("update app.leads set email_verified = false, phone_verified = true where id = $1", phone)
    await ranch.db.execute("update app.leads set updated_at = now() where id = $1", late)
    await ranch.db.execute("update app.leads set email_verified = false where id = $1", unverified)
    await ranch.db.execute("update app.leads set deceased_owner = true where id = $1", dead)
    await ranch.db.execute("update app.leads set campaign_status = 'unsubscribed' where id = $1", stopped)
    await ranch.db.execute("alter table app.leads enable trigger user")
    async with running("feeder", feeder_forgotten_check_seconds=3_600) as (service,):
        recovery = LeadRecovery(service.bus, Queueing(service.clock), timedelta(minutes=15).total_seconds())
        await recovery.queue_forgotten()
        await recovery.queue_forgotten()
    rows = await ranch.db.fetch("select id from app.leads where campaign_status = 'queued'")
    assert {row["id"] for row in rows} == {forgotten, phone}
