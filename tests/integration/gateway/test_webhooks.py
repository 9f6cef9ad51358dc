"""Vendors' webhooks: verified, published once, accepted while Kafka is away, and never refused for their rate."""

import asyncio
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from gateway.webhooks.body import MAX_KEPT_BYTES

HEAD = "POST /v1/webhooks/instantly HTTP/1.1\r\nHost: x\r\n"
SECRETS = {
    "instantly_webhook_secrets": "old-secret,instantly-secret",
    "calcom_webhook_secrets": "calcom-secret",
}


@pytest.fixture
async def hooks(running: Any) -> AsyncIterator[str]:
    """Return the address of a gateway to which Instantly and Cal.com are connected, and VAPI is not."""
    async with running("gateway", gateway_port=0, gateway_failures_per_minute=5, **SECRETS) as (service,):
        yield f"http://127.0.0.1:{service.parts[-1].port}/v1/webhooks"


def reply_webhook(n: int = 1, **more: Any) -> bytes:
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    return json.dumps(
        {"timestamp": at, "event_type": "reply_received", "workspace": "w", "email_id": f"e{n}", **more}
    ).encode()


async def post(session: aiohttp.ClientSession, url: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with session.post(url, data=body, headers={"Content-Type": "application/json"} | named) as answer:
        return answer.status, await answer.json(content_type=None)


async def wait_for_messages(sent: Any, topic: str, many: int) -> list[Any]:
    for _ in range(50):
        if len(records := await sent(topic)) >= many:
            break
        await asyncio.sleep(0.1)
    return list(records)


async def test_a_verified_webhook_is_published_unchanged(hooks: str, session: aiohttp.ClientSession, sent: Any) -> None:
    body = reply_webhook(lead_id="ld_1", newer="\u00e9")
    status, answer = await post(session, f"{hooks}/instantly", body, X_EC_Webhook_Secret="instantly-secret")
    assert (status, answer) == (200, {"status": "received"})
    (record,) = await wait_for_messages(sent, "webhook.instantly", 1)
    assert json.loads(record.value)["body"] == json.loads(body)
    assert dict(record.headers)["ce_type"] == b"webhook.instantly"


async def test_old_and_new_secret_are_both_accepted_during_a_rotation(
    hooks: str, session: aiohttp.ClientSession
) -> None:
    for secret in ("old-secret", "instantly-secret"):
        assert (await post(session, f"{hooks}/instantly", reply_webhook(), X_EC_Webhook_Secret=secret))[0] == 200


async def test_of_concurrent_deliveries_of_a_webhook_one_is_published(
    hooks: str, session: aiohttp.ClientSession, sent: Any
) -> None:
    body = reply_webhook()
    answers = await asyncio.gather(
        *(post(session, f"{hooks}/instantly", body, X_EC_Webhook_Secret="old-secret") for _ in range(10))
    )
    assert Counter(answer["status"] for _, answer in answers) == {"received": 1, "duplicate": 9}
    assert len(await wait_for_messages(sent, "webhook.instantly", 1)) == 1


async def test_a_repeat_on_another_day_is_recognised(
    hooks: str, session: aiohttp.ClientSession, db: Any, sent: Any
) -> None:
    body = reply_webhook()
    await post(session, f"{hooks}/instantly", body, X_EC_Webhook_Secret="old-secret")
    await db.execute("update svc_gateway.inbox set day = day - 5")
    assert (await post(session, f"{hooks}/instantly", body, X_EC_Webhook_Secret="old-secret"))[1][
        "status"
    ] == "duplicate"
    assert len(await wait_for_messages(sent, "webhook.instantly", 1)) == 1


async def test_another_body_with_the_same_identity_is_published_too(
    hooks: str, session: aiohttp.ClientSession, sent: Any
) -> None:
    at = datetime.now(UTC).isoformat()
    bodies = [reply_webhook(timestamp=at, text="one"), reply_webhook(timestamp=at, text="two")]
    for body in bodies * 2:
        assert (await post(session, f"{hooks}/instantly", body, X_EC_Webhook_Secret="old-secret"))[0] == 200
    records = await wait_for_messages(sent, "webhook.instantly", 2)
    assert sorted(json.loads(record.value)["body"]["text"] for record in records) == ["one", "two"]
    assert len({dict(record.headers)["ce_id"] for record in records}) == 2


async def test_the_signature_of_calcom_covers_the_body(hooks: str, session: aiohttp.ClientSession) -> None:
    body = json.dumps(
        {"triggerEvent": "BOOKING_CREATED", "createdAt": datetime.now(UTC).isoformat(), "payload": {"uid": "u"}}
    ).encode()
    signature = hmac.new(b"calcom-secret", body, hashlib.sha256).hexdigest()
    assert (await post(session, f"{hooks}/calcom", body, X_Cal_Signature_256=signature))[0] == 200
    assert (await post(session, f"{hooks}/calcom", body + b" ", X_Cal_Signature_256=signature))[0] == 401


@pytest.mark.parametrize("vendor", ["vapi", "unknown", "..", "instantly%00"])
async def test_a_vendor_without_a_secret_is_not_found(hooks: str, session: aiohttp.ClientSession, vendor: str) -> None:
    assert (await post(session, f"{hooks}/{vendor}", reply_webhook(), X_Vapi_Secret=""))[0] == 404


@pytest.mark.parametrize(
    ("status", "code", "body"),
    [
        (400, "bad_json", b"{"),
        (400, "bad_json", b'"text"'),
        (400, "expired_webhook", reply_webhook(timestamp=(datetime.now(UTC) - timedelta(days=30)).isoformat())),
    ],
)
async def test_an_unacceptable_webhook_is_refused(
    hooks: str, session: aiohttp.ClientSession, db: Any, status: int, code: str, body: bytes
) -> None:
    answer = await post(session, f"{hooks}/instantly", body, X_EC_Webhook_Secret="old-secret")
    assert (answer[0], answer[1]["code"]) == (status, code)
    assert await db.fetchval("select count(*) from svc_gateway.inbox") == 0


@pytest.mark.parametrize("size", [950_000, 5_000_000], ids=["over the bus", "over the former limit"])
async def test_a_large_webhook_becomes_a_stub(hooks: str, session: aiohttp.ClientSession, sent: Any, size: int) -> None:
    body = reply_webhook(lead_email="owner@example.com", lead_id="ld_1", reply_text="x" * size)
    for expected in ("received", "duplicate"):
        answer = await post(session, f"{hooks}/instantly", body, X_EC_Webhook_Secret="old-secret")
        assert answer == (200, {"status": expected})
    (record,) = await wait_for_messages(sent, "webhook.instantly", 1)
    stub = json.loads(record.value)
    message = json.loads(body)
    assert (stub["oversized"], stub["size"]) == (True, len(body))
    assert stub["body"] == {name: value for name, value in message.items() if name != "reply_text"}


async def test_a_webhook_that_is_too_large_to_parse_is_kept_without_ids(
    hooks: str, session: aiohttp.ClientSession, sent: Any
) -> None:
    body = b'{"triggerEvent": "BOOKING_CREATED", "text": "' + b"x" * (MAX_KEPT_BYTES + 1) + b'"}'
    signature = hmac.new(b"calcom-secret", body, hashlib.sha256).hexdigest()
    for expected in ("received", "duplicate"):
        answer = await post(session, f"{hooks}/calcom", body, X_Cal_Signature_256=signature)
        assert answer == (200, {"status": expected})
    forged = await post(session, f"{hooks}/calcom", body + b" ", X_Cal_Signature_256=signature)
    assert forged[0] == 401
    (record,) = await wait_for_messages(sent, "webhook.calcom", 1)
    stub = json.loads(record.value)
    assert (stub["oversized"], stub["size"], stub["body"]) == (True, len(body), {"payload": {}})


async def test_a_large_body_without_a_secret_is_refused_before_it_is_read(hooks: str) -> None:
    host, port = hooks.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{HEAD}X-EC-Webhook-Secret: no\r\nContent-Length: 900000000\r\n\r\n".encode())
    await writer.drain()
    assert b" 401 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


async def test_failures_are_limited_and_verified_webhooks_of_the_same_address_are_not(
    hooks: str, session: aiohttp.ClientSession
) -> None:
    statuses = [
        (await post(session, f"{hooks}/instantly", reply_webhook(), X_EC_Webhook_Secret="no"))[0] for _ in range(7)
    ]
    assert statuses == [401] * 5 + [429] * 2
    for number in range(40):
        answer = await post(session, f"{hooks}/instantly", reply_webhook(number), X_EC_Webhook_Secret="old-secret")
        assert answer[0] == 200


async def test_without_kafka_webhooks_are_accepted(running: Any, session: aiohttp.ClientSession, db: Any) -> None:
    more = {"gateway_port": 0, "kafka_bootstrap_servers": "127.0.0.1:9"}
    async with running("gateway", **more, **SECRETS) as (service,):
        url = f"http://127.0.0.1:{service.parts[-1].port}/v1/webhooks/instantly"
        assert (await post(session, url, reply_webhook(), X_EC_Webhook_Secret="old-secret"))[0] == 200
        assert await db.fetchval("select count(*) from svc_gateway.outbox") == 1
        assert await service.unready_reasons() == []


async def test_without_a_database_the_vendor_gets_a_temporary_refusal(
    running: Any, session: aiohttp.ClientSession
) -> None:
    dsn = "postgresql://svc_gateway:x@127.0.0.1:9/none"
    async with running("gateway", gateway_port=0, database_url=dsn, **SECRETS) as (service,):
        url = f"http://127.0.0.1:{service.parts[-1].port}/v1/webhooks/instantly"
        assert (await post(session, url, reply_webhook(), X_EC_Webhook_Secret="old-secret"))[0] == 503


async def test_a_webhook_whose_body_does_not_arrive_is_refused(running: Any) -> None:
    async with running("gateway", gateway_port=0, gateway_read_seconds=0.3, **SECRETS) as (service,):
        reader, writer = await asyncio.open_connection("127.0.0.1", service.parts[-1].port)
        writer.write(f"{HEAD}X-EC-Webhook-Secret: old-secret\r\nContent-Length: 9\r\n\r\n{{".encode())
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
