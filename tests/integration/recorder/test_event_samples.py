"""A sample of every funnel event goes through Kafka and the recorder into `pipeline_events`, whole and under its name."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from common.bus import envelope
from common.events import FUNNEL_EVENTS, FunnelEvent
from common.ids import named_id
from support.installation import Installation

GOLDEN = Path(__file__).parents[2] / "unit/common/golden"
SAMPLES = {event: (GOLDEN / f"{event.__name__}.v1.json").read_bytes() for event in FUNNEL_EVENTS}


def build_headers(event: type[FunnelEvent], body: dict[str, Any]) -> list[tuple[str, bytes | None]]:
    return list(
        envelope.build_headers(
            id=named_id(event.topic),
            type=event.topic,
            source="test",
            time=datetime.fromisoformat(body["occurred_at"]),
            subject=UUID(body["lead_id"]) if "lead_id" in body else None,
        )
    )


async def test_a_sample_of_every_funnel_event_is_recorded(
    running: Callable[..., AbstractAsyncContextManager[list[Any]]], installation: Installation
) -> None:
    db = await asyncpg.connect(installation.database.superuser_dsn)
    async with running("recorder"), AIOKafkaProducer(bootstrap_servers=installation.kafka) as producer:
        for event, sample in SAMPLES.items():
            topic = installation.prefix + event.topic
            await producer.send_and_wait(topic, sample, headers=build_headers(event, json.loads(sample)))
        async with asyncio.timeout(60):
            while await db.fetchval("select count(*) from app.pipeline_events") < len(SAMPLES):
                await asyncio.sleep(0.05)
    rows = {row["event_id"]: row for row in await db.fetch("select * from app.pipeline_events")}
    for event, sample in SAMPLES.items():
        row, body = rows[named_id(event.topic)], json.loads(sample)
        assert f"funnel.{row['event_type']}" == event.topic
        assert json.loads(row["payload"]) == body
        assert (row["outcome"], row["lead_version"]) == (body.get("outcome"), body.get("lead_version"))
        assert (str(row["broker_id"]), row["occurred_at"]) == (
            body["broker_id"],
            datetime.fromisoformat(body["occurred_at"]),
        )
        assert row["lead_id"] == (UUID(body["lead_id"]) if "lead_id" in body else None)
    await db.close()
