"""The feeder as a service: on Kafka, at its hours, and killed during a feed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from common.bus import envelope
from common.events import LeadVerified
from common.ids import new_id
from feeder.app import build
from local_services.processes import free_port
from support.feeding import MONDAY, Feeder, FeedFixture, clock_at, make_feeder_settings
from support.installation import Installation, Spawned
from support.instantly import FakeWorkspace
from support.kill_points import with_kill_point
from support.processes import EQUITY
from support.topic_reader import read_all_messages

TODAY = date(2026, 11, 16)


async def wait_until_equal(check: Callable[[], Awaitable[Any]], expected: Any, seconds: float = 60) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while (actual := await check()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{actual!r} instead of {expected!r}"
        await asyncio.sleep(0.05)


async def send_verified(installation: Installation, leads: list[UUID]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=installation.kafka)
    await producer.start()
    for lead in leads:
        event = LeadVerified(lead_id=lead, channels=["email"], outcome="email")
        attributes = envelope.build_attributes(
            id=new_id(), type=event.topic, source="test", time=event.occurred_at, subject=lead
        )
        headers = [(name, str(value).encode()) for name, value in attributes]
        body = orjson.dumps(event.model_dump(mode="json", exclude_none=True))
        await producer.send(installation.prefix + event.topic, body, key=str(lead).encode(), headers=headers)
    await producer.stop()


async def test_verified_leads_are_queued_once_with_one_event(
    installation: Installation, feed_data: FeedFixture, running: Callable[..., AbstractAsyncContextManager[list[Any]]]
) -> None:
    broker = await feed_data.add_broker()
    leads = await feed_data.add_leads(broker, 4)
    email, phone, unverified, stopped = leads
    await feed_data.db.execute("update app.leads set campaign_status = 'new' where id <> $1", stopped)
    await feed_data.db.execute("update app.leads set campaign_status = 'unsubscribed' where id = $1", stopped)
    await feed_data.db.execute("update app.leads set email_verified = false where id = any ($1)", [phone, unverified])
    await feed_data.db.execute("update app.leads set phone_verified = true where id = $1", phone)
    async with running("feeder"):
        await send_verified(installation, [*leads, email, new_id()])

        async def read_statuses() -> list[Any]:
            return await feed_data.select_column("select campaign_status::text from app.leads order by lead_score desc")

        await wait_until_equal(read_statuses, ["queued", "queued", "new", "unsubscribed"])
        topic = installation.prefix + "funnel.campaign_queued"

        async def read_queued_events() -> list[tuple[str, str]]:
            bodies = [orjson.loads(record.value) for record in await read_all_messages(installation.kafka, topic)]
            return sorted((body["lead_id"], body["outcome"]) for body in bodies)

        await wait_until_equal(read_queued_events, sorted([(str(email), "email"), (str(phone), "phone_only")]))


async def test_the_snapshot_is_refreshed_at_half_past_five_and_fed_at_six(
    feed_data: FeedFixture, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=2)
    await feed_data.add_leads(broker, 5, refresh=False)
    async with Feeder(make_feeder_settings(feed_data.database, workspace), feed_data.clock) as feeder:
        ran = {}
        for minutes in (-40, -30, -10, 0, 1, 60 * 5):
            feed_data.clock.now = MONDAY + timedelta(minutes=minutes)
            ran[minutes] = await feeder.service.jobs.run_due_jobs()
        assert ran == {-40: ["feeder.clean_up"], -30: ["feeder.refresh"], -10: [], 0: ["feeder.feed"], 1: [], 300: []}
        assert await feed_data.count_slots(broker, TODAY) == {"reserved": 2}


async def test_a_missed_feed_runs_later_inside_its_window_and_not_after(
    feed_data: FeedFixture, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=1)
    await feed_data.add_leads(broker, 5)
    async with Feeder(make_feeder_settings(feed_data.database, workspace), feed_data.clock) as feeder:
        feed_data.clock.now = MONDAY + timedelta(hours=5, minutes=59)
        assert "feeder.feed" in await feeder.service.jobs.run_due_jobs()
        feed_data.clock.now = MONDAY + timedelta(days=1, hours=6, minutes=1)
        assert await feeder.service.jobs.run_due_jobs() == ["feeder.clean_up"]
    assert await feed_data.count_slots(broker) == {"reserved": 1}


@pytest.mark.parametrize("passes", [1, 3, 6])
async def test_the_next_process_finishes_a_killed_feed_and_feeds_no_lead_twice(
    installation: Installation, feed_data: FeedFixture, workspace: FakeWorkspace, tmp_path: Path, passes: int
) -> None:
    brokers = [await feed_data.add_broker(limit=4) for _ in range(6)]
    for broker in brokers:
        await feed_data.add_leads(broker, 9, refresh=False)
    await feed_data.refresh_snapshot()
    workspace.add_delay_seconds = 0.02
    environment = {
        "CLOCK_FILE": clock_at(MONDAY, tmp_path),
        "INSTANTLY_BASE_URL": workspace.url,
        "INSTANTLY_API_KEY": "k",
        "RECONCILE_SECONDS": "0.2",
        "RECONCILE_LATE_ADD_SECONDS": "2",
        "INSTANTLY_TIMEOUT_SECONDS": "1",
        "FEED_TOP_UP_SECONDS": "1",
    }
    program = with_kill_point(EQUITY, "before skips are recorded", tmp_path / "killed", passes_before=passes - 1)
    first = Spawned(
        ("feeder",), installation.environment("feeder", HEALTH_PORT=str(free_port()), **environment),
        tmp_path / "dying.log", program=program,
    )  # fmt: skip
    first.start()
    assert first.process is not None
    assert await asyncio.to_thread(first.process.wait, 60) == -9
    fed = await feed_data.select_column("select count(*) from app.feed_slots")
    assert fed[0] < 24
    await installation.spawn("feeder", **environment)

    async def count_slots() -> list[Any]:
        return [await feed_data.count_slots(broker, TODAY) for broker in brokers]

    await wait_until_equal(count_slots, [{"added": 4}] * 6, 120)
    assert set(workspace.add_counts.values()) == {1}
    assert len(workspace.members) == 24
    twice = "select count(*) from pipeline.contact_decisions where allowed group by lead_id having count(*) > 1"
    assert await feed_data.select_column(twice) == []


async def test_all_leads_are_members_once_after_a_kill_during_an_add(
    installation: Installation, feed_data: FeedFixture, workspace: FakeWorkspace, tmp_path: Path
) -> None:
    broker = await feed_data.add_broker(limit=20)
    await feed_data.add_leads(broker, 20)
    workspace.add_delay_seconds = 1.0
    environment = {
        "CLOCK_FILE": clock_at(MONDAY, tmp_path),
        "INSTANTLY_BASE_URL": workspace.url,
        "INSTANTLY_API_KEY": "k",
        "RECONCILE_SECONDS": "0.2",
        "RECONCILE_LATE_ADD_SECONDS": "2",
        "INSTANTLY_TIMEOUT_SECONDS": "3",
        "FEED_TOP_UP_SECONDS": "1",
    }
    first = await installation.spawn("feeder", **environment)
    await asyncio.wait_for(workspace.add_started.wait(), 60)
    first.kill()
    workspace.add_delay_seconds = 0
    first.start()
    # The claim of the killed process lasts twice the timeout and half a minute.

    async def count_slots() -> dict[str, int]:
        return await feed_data.count_slots(broker, TODAY)

    await wait_until_equal(count_slots, {"added": 20}, 120)
    assert set(workspace.add_counts.values()) == {1}


@pytest.mark.parametrize("key", [None, SecretStr("")])
def test_without_a_key_no_part_calls_instantly(
    feed_data: FeedFixture, workspace: FakeWorkspace, key: SecretStr | None
) -> None:
    service = build(make_feeder_settings(feed_data.database, workspace, instantly_api_key=key), feed_data.clock)
    assert service.parts == []
