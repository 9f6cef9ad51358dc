"""A signed file becomes messages on `ingest.leads`. Every other request is refused with a reason and stores nothing."""

import asyncio
import gzip
import hashlib
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from common import ids
from common.events import LeadRecord
from support.installation import Installation
from support.partner import HEADER, Partner, add_key, add_partner, csv_of


def spooled_files(installation: Installation) -> list[Path]:
    """Return the files in the spool."""
    return [path for path in (installation.directory / "spool").iterdir() if path.name != "disk"]


async def test_rows_arrive_once_with_ids_of_upload_and_row(partner: Partner, sent: Any, db: Any) -> None:
    status, answer = await partner.upload(csv_of(2_500), Content_Disposition='attachment; filename="C:\\x\\leads.csv"')
    assert status == 202, answer
    upload_id = UUID(answer["upload_id"])
    report = await partner.wait_for_state(str(upload_id), "accounted")
    assert (report["rows_total"], report["rows_published"], report["filename"]) == (2_500, 2_500, "leads.csv")
    records = await sent("ingest.leads")
    headers = [dict(record.headers) for record in records]
    assert {h["ce_id"].decode() for h in headers} == {str(ids.upload_row_id(upload_id, n)) for n in range(1, 2_501)}
    assert len(records) == 2_500
    received_at = await db.fetchval("select received_at from app.uploads")
    assert {h["ce_time"].decode() for h in headers} == {received_at.isoformat()}
    assert {h["ce_correlationid"].decode() for h in headers} == {str(upload_id)}
    one = min((LeadRecord.model_validate_json(record.value) for record in records), key=lambda lead: lead.row or 0)
    assert one.cells == dict(
        zip(HEADER.split(","), ["1 Main St", "Miami", "FL", "33101", "00000001", "Ann", "Holt"], strict=True)
    )


async def test_an_accepted_file_is_an_event(partner: Partner, sent: Any) -> None:
    _, answer = await partner.upload(csv_of(1))
    for _ in range(50):
        if events := await sent("funnel.upload_received"):
            break
    (event,) = events
    body = json.loads(event.value)
    assert (body["upload_id"], body["key_id"], body["size"]) == (answer["upload_id"], "default", len(csv_of(1)))


async def test_the_response_does_not_wait_for_the_rows(partner: Partner) -> None:
    async with partner.session.post(
        f"{partner.base}/v1/uploads", data=csv_of(1), headers=partner.upload_headers(csv_of(1))
    ) as answer:
        report = await answer.json()
        assert answer.status == 202
        assert answer.headers["Location"] == f"/v1/uploads/{report['upload_id']}"
        assert "aiohttp" not in answer.headers["Server"]


async def test_a_chunked_body_is_accepted(partner: Partner) -> None:
    body = csv_of(500)

    async def pieces() -> Any:
        for start in range(0, len(body), 1_000):
            yield body[start : start + 1_000]

    async with partner.session.post(
        f"{partner.base}/v1/uploads", data=pieces(), headers=partner.upload_headers(body)
    ) as answer:
        assert answer.status == 202


async def test_a_multipart_body_is_accepted_and_counts_as_the_file_in_it(partner: Partner) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="leads.csv"\r\n\r\n' + csv_of(3) + b"\r\n--b--\r\n"
    )
    status, answer = await partner.upload(body, Content_Type="multipart/form-data; boundary=b")
    assert status == 202, answer
    assert (await partner.wait_for_state(answer["upload_id"], "accounted"))["rows_total"] == 3
    status, repeat = await partner.upload(csv_of(3))
    assert (status, repeat["upload_id"]) == (409, answer["upload_id"])


async def test_each_scheme_is_accepted_from_its_own_keys_only(partner: Partner, db: Any) -> None:
    v2 = await add_partner(db, partner, scheme="v2")
    assert (await v2.upload(csv_of(1)))[0] == 202
    v2.scheme = "body"
    assert (await v2.upload(csv_of(2)))[1]["code"] == "bad_signature"
    v2.scheme = "v2"
    body = await add_partner(db, partner, scheme="body")
    assert (await body.upload(csv_of(3)))[0] == 202
    body.scheme = "v2"
    assert (await body.upload(csv_of(4)))[1]["code"] == "bad_signature"


async def test_a_v2_upload_is_not_a_body_upload_of_timestamp_and_file(partner: Partner, db: Any) -> None:
    v2 = await add_partner(db, partner, scheme="v2")
    at = datetime.now(UTC).isoformat()
    smuggled = f"{at}.".encode() + csv_of(1)
    headers = v2.upload_headers(csv_of(1), at)
    status, answer = await v2.upload(
        smuggled,
        X_Signature=headers["X-Signature"].replace("v2=", "sha256="),
        X_Content_SHA256=hashlib.sha256(smuggled).hexdigest(),
    )
    assert (status, answer["code"]) == (401, "bad_signature")


async def test_a_partner_with_one_key_may_leave_its_id_out(partner: Partner, db: Any) -> None:
    one = await add_partner(db, partner)
    await add_partner(db, partner)
    assert (await one.upload(csv_of(1), X_Key_Id=None))[0] == 202
    second = await add_key(db, one)
    assert (await one.upload(csv_of(2), X_Key_Id=None))[0] == 401
    assert (await one.upload(csv_of(2)))[0] == 202
    assert (await second.upload(csv_of(3)))[0] == 202


async def test_a_revoked_key_is_refused_at_once(partner: Partner, db: Any) -> None:
    other = await add_partner(db, partner)
    assert (await other.upload(csv_of(1)))[0] == 202
    assert await db.fetchval("select last_used_at from app.partner_keys where key_id = $1", other.key_id)
    await db.execute("update app.partner_keys set active = false where key_id = $1", other.key_id)
    assert (await other.upload(csv_of(2)))[0] == 401


async def test_an_unknown_key_gets_the_same_refusal_as_a_wrong_signature(partner: Partner) -> None:
    unknown = await partner.upload(csv_of(1), X_Key_Id="unknown")
    wrong = await partner.upload(csv_of(1), X_Signature="sha256=" + "0" * 64)
    assert unknown == wrong
    assert unknown[0] == 401


REFUSED: list[tuple[int, str, bytes, dict[str, str | None]]] = [
    (400, "missing_header", csv_of(1), {"X_Signature": None}),
    (400, "missing_header", csv_of(1), {"X_Signature_Timestamp": None}),
    (400, "missing_header", csv_of(1), {"X_Content_SHA256": None}),
    (400, "bad_header", csv_of(1), {"X_Signature": "sha256=zz"}),
    (400, "bad_header", csv_of(1), {"X_Broker_Id": "unknown"}),
    (400, "timestamp_out_of_range", csv_of(1), {"X_Signature_Timestamp": "2020-01-01T00:00:00Z"}),
    (400, "content_hash_mismatch", csv_of(1), {"X_Content_SHA256": "0" * 64}),
    (400, "bad_multipart", csv_of(1), {"Content_Type": "multipart/form-data; boundary=b"}),
    (400, "bad_multipart", csv_of(1), {"Content_Type": "multipart/form-data"}),
    (401, "bad_signature", csv_of(1), {"X_Signature": "sha256=" + "0" * 64}),
    (403, "broker_not_permitted", csv_of(1), {"X_Broker_Id": str(uuid4())}),
    (415, "content_type", csv_of(1), {"Content_Type": "application/json"}),
    (415, "content_encoding", gzip.compress(csv_of(1)), {"Content_Encoding": "gzip"}),
    (415, "not_csv", b"PK\x03\x04 and so on", {}),
    (422, "empty_file", b"", {}),
    (422, "empty_file", HEADER.encode(), {}),
    (422, "missing_columns", b"Address,City\n1,2\n", {}),
    (422, "bad_columns", HEADER.encode() + b",Zip\n1,2,3,4,5,6,7,8\n", {}),
]


@pytest.mark.parametrize(
    ("status", "code", "body", "changed"), REFUSED, ids=[f"{r[1]}-{n}" for n, r in enumerate(REFUSED)]
)
async def test_a_refused_file_gets_a_reason_and_is_not_stored(
    partner: Partner, installation: Installation, db: Any, status: int, code: str, body: bytes, changed: dict[str, Any]
) -> None:
    answered, problem = await partner.upload(body, **changed)
    assert (answered, problem["code"]) == (status, code), problem
    assert problem["type"] == f"urn:equity-connect:problem:{code}"
    assert problem["status"] == status
    assert spooled_files(installation) == []
    assert await db.fetchval("select count(*) from app.uploads") == 0


async def test_a_refusal_is_an_event_with_reason_and_key(partner: Partner, sent: Any) -> None:
    await partner.upload(b"Address\n1\n")
    await partner.upload(csv_of(1), X_Signature="sha256=" + "0" * 64, X_Key_Id="unknown")
    for _ in range(50):
        if len(events := await sent("funnel.upload_refused")) == 2:
            break
    found = {(body["reason"], body["key_id"], "partner_id" in body) for body in (json.loads(e.value) for e in events)}
    assert found == {("missing_columns", "default", True), ("bad_signature", "unknown", False)}


async def test_a_file_too_large_is_refused(running: Any, session: aiohttp.ClientSession) -> None:
    async with running("gateway", gateway_port=0, gateway_max_upload_bytes=10_000) as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        assert (await partner.upload(csv_of(1_000)))[0] == 413

        async def pieces() -> Any:
            for _ in range(200):
                yield csv_of(10)

        async with session.post(
            f"{partner.base}/v1/uploads", data=pieces(), headers=partner.upload_headers(b"other bytes")
        ) as answer:
            assert (answer.status, (await answer.json())["limit"]) == (413, 10_000)


async def test_without_free_space_in_the_spool_files_are_refused_temporarily(
    running: Any, session: aiohttp.ClientSession
) -> None:
    async with running("gateway", gateway_port=0, gateway_min_free_bytes=1 << 60) as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        async with session.post(
            f"{partner.base}/v1/uploads", data=csv_of(1), headers=partner.upload_headers(csv_of(1))
        ) as answer:
            assert (answer.status, (await answer.json())["code"]) == (503, "no_space")
            assert int(answer.headers["Retry-After"]) > 0


async def test_a_body_that_stops_arriving_is_refused(running: Any, session: aiohttp.ClientSession) -> None:
    async with running("gateway", gateway_port=0, gateway_read_seconds=0.3) as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())

        async def pieces() -> Any:
            yield csv_of(1)
            await asyncio.sleep(3)
            yield b"late"

        async with session.post(
            f"{partner.base}/v1/uploads", data=pieces(), headers=partner.upload_headers(csv_of(1))
        ) as answer:
            assert (answer.status, (await answer.json())["code"]) == (408, "too_slow")


async def test_the_body_scheme_can_be_refused(running: Any, session: aiohttp.ClientSession, db: Any) -> None:
    async with running("gateway", gateway_port=0, gateway_require_v2=True) as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        assert (await partner.upload(csv_of(1)))[1]["code"] == "scheme_refused"
        assert (await (await add_partner(db, partner)).upload(csv_of(1)))[0] == 202


async def test_the_refusal_of_a_repeat_names_the_upload_that_it_repeats(partner: Partner, db: Any) -> None:
    first = (await partner.upload(csv_of(2)))[1]
    status, answer = await partner.upload(csv_of(2))
    assert (status, answer["code"], answer["upload_id"]) == (409, "already_uploaded", first["upload_id"])
    other = await add_partner(db, partner)
    status, foreign = await other.upload(csv_of(2))
    assert status == 202
    assert foreign["upload_id"] != first["upload_id"]


async def test_after_seven_days_the_same_file_is_a_new_upload(partner: Partner, db: Any) -> None:
    first = (await partner.upload(csv_of(2)))[1]
    await db.execute("update app.ingest_replay_guard set received_at = now() - interval '7 days 1 minute'")
    status, second = await partner.upload(csv_of(2))
    assert status == 202
    assert second["upload_id"] != first["upload_id"]


async def test_of_many_identical_concurrent_uploads_one_is_accepted(
    partner: Partner, installation: Installation, db: Any
) -> None:
    answers = await asyncio.gather(*(partner.upload(csv_of(50)) for _ in range(12)))
    assert Counter(status for status, _ in answers) == {202: 1, 409: 11}
    assert len({answer["upload_id"] for _, answer in answers}) == 1
    assert await db.fetchval("select count(*) from app.uploads") == 1
    assert len(spooled_files(installation)) == 1


async def test_an_upload_with_a_lost_file_asks_for_it_and_continues_where_it_stopped(
    partner: Partner, installation: Installation, sent: Any, db: Any
) -> None:
    _, answer = await partner.upload(csv_of(2_000))
    upload_id = answer["upload_id"]
    await partner.wait_for_state(upload_id, "accounted")
    (file,) = spooled_files(installation)
    file.unlink()
    await db.execute("update app.uploads set state = 'publishing', rows_total = null, rows_published = 1000")
    report = await partner.wait_for_state(upload_id, "needs_resend")
    assert report["problem"]
    received_at = report["received_at"]
    answers = await asyncio.gather(*(partner.upload(csv_of(2_000)) for _ in range(4)))
    assert Counter(status for status, _ in answers) == {202: 1, 409: 3}
    assert {body["upload_id"] for _, body in answers} == {upload_id}
    report = await partner.wait_for_state(upload_id, "accounted")
    assert (report["rows_total"], report["received_at"], report["problem"]) == (2_000, received_at, None)
    records = await sent("ingest.leads")
    counted = Counter(dict(record.headers)["ce_id"] for record in records)
    assert len(counted) == 2_000
    assert sorted(counted.values()) == [1] * 1_000 + [2] * 1_000


async def test_a_broker_is_assigned_if_the_partner_may_assign_it(partner: Partner, db: Any, sent: Any) -> None:
    mine, other, gone = uuid4(), uuid4(), uuid4()
    for broker in (mine, other, gone):
        await db.execute(
            "insert into app.brokers (id, name, active) values ($1, $2, $3)", broker, str(broker), broker != gone
        )
    bound = await add_partner(db, partner, brokers=[mine, gone])
    assert (await bound.upload(csv_of(1), X_Broker_Id=str(other)))[1]["code"] == "broker_not_permitted"
    assert (await bound.upload(csv_of(1), X_Broker_Id=str(gone)))[1]["code"] == "broker_not_permitted"
    _, answer = await bound.upload(csv_of(1), X_Broker_Id=str(mine))
    await bound.wait_for_state(answer["upload_id"], "accounted")
    (record,) = await sent("ingest.leads")
    lead = LeadRecord.model_validate_json(record.value)
    assert (lead.broker_id, lead.allowed_broker_ids) == (mine, [mine, gone])


async def test_rows_that_cannot_be_read_are_sent_with_their_problem(partner: Partner, sent: Any) -> None:
    body = f"{HEADER}\n1 Main St,Miami,FL,33101,1,Ann\n\n2 Main St,Miami,FL,33101,2,Ann,Holt,extra\n".encode()
    _, answer = await partner.upload(body)
    report = await partner.wait_for_state(answer["upload_id"], "accounted")
    assert report["rows_total"] == 2
    leads = [LeadRecord.model_validate_json(record.value) for record in await sent("ingest.leads")]
    assert sorted((lead.row, lead.row_problem is not None) for lead in leads) == [(1, False), (2, True)]


async def test_huge_rows_are_published_in_bounded_chunks(partner: Partner, sent: Any) -> None:
    lines = [f"{n} Main St,Miami,FL,33101,{n},Ann,{'x' * 700_000}" for n in range(12)]
    lines.append(f"99 Main St,Miami,FL,33101,99,Ann,{'y' * 950_000}")
    _, answer = await partner.upload("\n".join([HEADER, *lines]).encode())
    report = await partner.wait_for_state(answer["upload_id"], "accounted")
    assert report["rows_total"] == 13
    leads = [LeadRecord.model_validate_json(record.value) for record in await sent("ingest.leads")]
    assert [lead.row for lead in leads if lead.row_problem] == [13]


async def test_failures_are_limited_by_address_and_verified_uploads_are_not_counted(
    running: Any, session: aiohttp.ClientSession
) -> None:
    async with running("gateway", gateway_port=0, gateway_failures_per_minute=3) as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        for number in range(6):
            assert (await partner.upload(csv_of(number + 1)))[0] == 202
        statuses = [(await partner.upload(csv_of(9), X_Signature="sha256=" + "0" * 64))[0] for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]


async def test_uploads_are_limited_by_key(running: Any, session: aiohttp.ClientSession) -> None:
    async with running("gateway", gateway_port=0, gateway_uploads_per_minute=2) as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        statuses = [(await partner.upload(csv_of(number + 1)))[0] for number in range(3)]
        assert statuses == [202, 202, 429]


async def test_without_a_database_the_response_is_503_with_the_time_to_wait(
    running: Any, session: aiohttp.ClientSession
) -> None:
    async with running("gateway", gateway_port=0, database_url="postgresql://svc_gateway:x@127.0.0.1:9/none") as (
        service,
    ):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        async with session.post(
            f"{partner.base}/v1/uploads", data=csv_of(1), headers=partner.upload_headers(csv_of(1))
        ) as answer:
            assert (answer.status, (await answer.json())["code"]) == (503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0


async def test_a_partner_reads_only_its_own_uploads(partner: Partner, db: Any) -> None:
    _, answer = await partner.upload(csv_of(1))
    path = f"/v1/uploads/{answer['upload_id']}"
    other = await add_partner(db, partner)
    for hidden in (path, f"{path}/rejects.csv", f"/v1/uploads/{uuid4()}", "/v1/uploads/none"):
        assert (await other.fetch(hidden))[0] == 404
    async with partner.session.get(partner.base + path) as unsigned:
        assert unsigned.status == 400
    signed = partner.read_headers(f"{path}/rejects.csv")
    async with partner.session.get(partner.base + path, headers=signed) as elsewhere:
        assert elsewhere.status == 401
    late = (datetime.now(UTC) - timedelta(minutes=6)).isoformat()
    late_headers = signed | {
        "X-Signature-Timestamp": late,
        "X-Signature": f"v2={partner.compute_hmac(f'{late}.GET {path}'.encode())}",
    }
    async with partner.session.get(partner.base + path, headers=late_headers) as too_late:
        assert too_late.status == 400
