"""Webhooks that the gateway committed and that Kafka does not have: handled from the gateway's outbox, once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from common.bus import envelope
from common.bus.relay import encode_headers
from common.events import InstantlyWebhook
from support.replies import RepliesFixture, webhook


@pytest.fixture
async def without_gateway(data: RepliesFixture) -> AsyncIterator[RepliesFixture]:
    """The service alone: no relay publishes what the gateway committed, as if Kafka were away."""
    async with data.installation.running("replies", replies_poll_seconds=0.5, unpublished_webhook_seconds=1):
        yield data


async def commit_webhook(data: RepliesFixture, body: bytes | Any, event_id: UUID | None = None) -> UUID:
    """Write a webhook into the gateway's outbox, as the gateway does, and return its id."""
    event_id, now = event_id or uuid4(), datetime.now(UTC)
    headers = envelope.build_headers(id=event_id, type=InstantlyWebhook.topic, source="gateway", time=now)
    if not isinstance(body, bytes):
        body = InstantlyWebhook(vendor="instantly", received_at=now, body=body).model_dump_json().encode()
    await data.db.execute(
        "insert into svc_gateway.outbox (topic, headers, body) values ($1, $2, $3)",
        InstantlyWebhook.topic, encode_headers(headers), body,
    )  # fmt: skip
    return event_id


async def publish_outbox(data: RepliesFixture) -> list[UUID]:
    """Publish the rows of the gateway's outbox, as its relay does once Kafka is back, and wait until they are handled."""
    async with data.installation.running("gateway", gateway_port=0):
        await data.wait("not exists (select from svc_gateway.outbox)")
    return await data.deliver(webhook("email_opened"))


async def test_an_opt_out_that_is_not_in_kafka_takes_effect_and_its_delivery_does_nothing(
    without_gateway: RepliesFixture,
) -> None:
    data = without_gateway
    lead = await data.add_lead()
    event_id = await commit_webhook(data, webhook(reply_text="STOP", lead_id=str(lead)))
    await data.wait("count(*) = 1 from app.replies where event_id = $1 and state = 'routed'", event_id)
    assert await data.suppressed() == ["opt_out"]

    await publish_outbox(data)
    assert await data.db.fetchval("select count(*) from app.replies") == 1
    assert len(await data.events("funnel.email_replied")) == 1
    assert len(await data.events("funnel.unsubscribed")) == 2, "one for the address and one for the number"
    assert await data.events("pipeline.dlq") == []


async def test_a_message_that_fails_stops_no_other_one_and_is_left_to_kafka(without_gateway: RepliesFixture) -> None:
    data = without_gateway
    lead = await data.add_lead()
    await commit_webhook(data, b"no JSON")
    event_id = await commit_webhook(data, webhook(reply_text="STOP \0", lead_id=str(lead)))
    await data.wait("count(*) = 1 from app.replies where event_id = $1", event_id)
    assert await data.events("pipeline.dlq") == []

    await publish_outbox(data)
    await data.wait("not exists (select from svc_replies.outbox)")
    assert len(await data.events("pipeline.dlq")) == 1


async def test_a_webhook_younger_than_the_setting_is_left_to_kafka(data: RepliesFixture) -> None:
    async with data.installation.running("replies", unpublished_webhook_seconds=3600):
        await data.add_lead()
        old = await commit_webhook(data, webhook(reply_text="STOP"))
        await data.db.execute("update svc_gateway.outbox set created_at = now() - interval '2 hours'")
        young = await commit_webhook(data, webhook(reply_text="STOP"))
        await data.wait("count(*) = 1 from svc_replies.inbox where event_id = $1", old)
        assert await data.db.fetchval("select count(*) from svc_replies.inbox where event_id = $1", young) == 0
