"""`equity leads pause`, `resume` and `reassign`: results, events, questions and the access log."""

import asyncio
import os
import pty
import subprocess
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from common.bus.relay import decode_headers
from support.commandline import ENTRY, Equity
from support.feeding import FeedFixture
from support.leads import LeadFixture

WHY = ("--reason", "the broker is on holiday")


async def change(equity: Equity, *arguments: object) -> dict[str, object]:
    done = (await equity.soon("leads", *arguments, *WHY, "--json")).ok().json
    assert isinstance(done, dict)
    return done


@pytest.mark.parametrize("status", ["new", "queued", "active", "replied"])
async def test_a_paused_lead_returns_to_its_status(equity: Equity, leads: LeadFixture, status: str) -> None:
    lead = await leads.add(status=status)
    assert (await change(equity, "pause", lead))["counts"] == {"transitioned": 1}
    assert await leads.status(lead) == "paused"
    assert (await change(equity, "pause", lead))["counts"] == {"already": 1}
    assert (await change(equity, "resume", lead))["counts"] == {"transitioned": 1}
    assert await leads.status(lead) == status
    assert (await change(equity, "resume", lead))["counts"] == {"already": 1}
    assert await leads.outbox_topics("feeder") == ["funnel.lead_paused", "funnel.lead_resumed"]


async def test_each_change_is_an_event_that_names_its_row_of_the_log(equity: Equity, leads: LeadFixture) -> None:
    lead = await leads.add(status="queued")
    await change(equity, "pause", lead)
    [row] = await leads.db.fetch("select headers, body from svc_feeder.outbox")
    [logged] = await leads.log()
    body = orjson.loads(row["body"])
    assert (body["lead_id"], body["outcome"], body["lead_version"], body["access_id"]) == (
        str(lead), "queued", 2, logged["id"],
    )  # fmt: skip
    assert "holiday" not in row["body"].decode()
    assert dict(decode_headers(row["headers"]))["ce_source"] == b"feeder"
    assert (logged["command"], logged["purpose"], logged["lead_ids"]) == ("leads pause", WHY[1], [lead])


@pytest.mark.parametrize("status", ["unsubscribed", "do_not_contact", "converted", "bounced"])
async def test_a_final_status_is_not_paused(equity: Equity, leads: LeadFixture, status: str) -> None:
    lead = await leads.add(status=status)
    done = await equity.soon("leads", "pause", lead, *WHY)
    assert (done.code, "its status does not allow it" in done.out) == (3, True)
    assert await leads.status(lead) == status
    assert await leads.outbox_topics("feeder") == []


async def test_a_change_of_owner_is_resolved_before_the_lead_resumes(equity: Equity, leads: LeadFixture) -> None:
    lead = await leads.add(status="paused", paused_from="active")
    await leads.db.execute(
        "insert into app.lead_conflicts (kind, lead_id, column_name, value) values ('owner_changed', $1, 'owner_last_name', 'x')",
        lead,
    )
    done = await equity.soon("leads", "resume", lead, *WHY)
    assert (done.code, "change of its owner" in done.out, await leads.status(lead)) == (3, True, "paused")


@pytest.mark.parametrize(
    ("flag", "result", "why"),
    [("deceased_owner", "deceased", "marked as deceased"), ("litigator", "litigator", "marked as one who sues")],
)
async def test_a_lead_that_must_not_be_contacted_does_not_resume(
    equity: Equity, leads: LeadFixture, flag: str, result: str, why: str
) -> None:
    paused: dict[str, Any] = {"status": "paused", "paused_from": "queued"}
    flagged, other = await leads.add(**paused | {flag: True}), await leads.add(**paused)
    done = await equity.soon("leads", "resume", flagged, *WHY)
    assert (done.code, why in done.out, await leads.status(flagged)) == (3, True, "paused")
    assert await change(equity, "resume", "--where", "status=paused", "--yes") == {
        "counts": {"transitioned": 1, result: 1},
        "refused": {str(flagged): result},
    }
    assert (await leads.status(flagged), await leads.status(other)) == ("paused", "queued")
    assert await leads.outbox_topics("feeder") == ["funnel.lead_resumed"]


async def test_unknown_leads_are_named(equity: Equity, leads: LeadFixture) -> None:
    lead = await leads.add(status="queued")
    done = await equity.soon("leads", "pause", lead, uuid4(), *WHY, "--yes", "--json")
    assert (done.code, done.json["counts"]) == (3, {"transitioned": 1, "unknown": 1})


async def test_a_filter_changes_exactly_what_matches(equity: Equity, leads: LeadFixture) -> None:
    chosen = [await leads.add(status="queued", property_state="GA", lead_score=score) for score in (70, 80)]
    others = [
        await leads.add(status="queued", property_state="GA", lead_score=10),
        await leads.add(status="queued", property_state="FL", lead_score=90),
    ]
    done = await change(equity, "pause", "--where", "state=Georgia", "--where", "min-score=50", "--yes")
    assert done["counts"] == {"transitioned": 2}
    assert [await leads.status(lead) for lead in [*chosen, *others]] == ["paused", "paused", "queued", "queued"]
    [row] = await leads.log()
    assert (orjson.loads(row["lead_filter"]), row["lead_ids"], row["lead_count"]) == (
        {"state": "GA", "min_score": 50}, None, 2,
    )  # fmt: skip


async def test_leads_of_a_filter_that_are_refused_are_listed(equity: Equity, leads: LeadFixture) -> None:
    refused = [await leads.add(status="converted") for _ in range(2)]
    done = await change(equity, "pause", "--where", "status=converted", "--yes")
    assert done == {"counts": {"refused": 2}, "refused": {str(lead): "refused" for lead in refused}}


async def test_more_than_one_lead_needs_a_yes(equity: Equity, leads: LeadFixture) -> None:
    added = [await leads.add(status="queued") for _ in range(2)]
    done = await equity.soon("leads", "pause", *added, *WHY)
    assert (done.code, "Pause 2 leads?" in done.err) == (3, True)
    for answer, status in ((b"n\n", "queued"), (b"y\n", "paused")):
        ours, theirs = pty.openpty()
        os.write(ours, answer)
        asked = await asyncio.to_thread(
            subprocess.run,
            [*ENTRY, "leads", "pause", *map(str, added), *WHY],
            env=os.environ | dict(equity.environment), stdin=theirs, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        os.close(ours)
        os.close(theirs)
        assert b"Pause 2 leads?" in asked.stderr
        assert await leads.status(added[0]) == status


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("pause",), "takes ids or a filter"),
        (("pause", str(UUID(int=1)), "--where", "state=FL"), "takes ids or a filter"),
        (("pause", "--where", "colour=red"), "is not a condition"),
        (("pause", "--where", "state=FL", "--where", "state=GA"), "given twice"),
        (("pause", "--where", "status=asleep"), "is not a status"),
        (("pause", "--where", "broker=Unknown Broker"), "There is no broker"),
        (("reassign", str(UUID(int=1))), "Which broker"),
        (("reassign", str(UUID(int=1)), "--to", "Unknown"), "There is no broker"),
    ],
)
def test_a_command_that_cannot_work_says_why(equity: Equity, arguments: tuple[str, ...], problem: str) -> None:
    done = equity("leads", *arguments, *WHY)
    assert (done.code, problem in done.err, done.out) == (2, True, "")


def test_a_reason_is_required(equity: Equity) -> None:
    done = equity("leads", "pause", UUID(int=1))
    assert (done.code, "--reason" in done.err) == (2, True)


async def test_a_lead_is_given_to_another_broker(equity: Equity, leads: LeadFixture, feed_data: FeedFixture) -> None:
    former, new = await feed_data.add_broker(), await feed_data.add_broker()
    lead = await leads.add(status="queued", assigned_broker_id=former)
    assert (await change(equity, "reassign", lead, "--to", new))["counts"] == {"reassigned": 1}
    assert (await change(equity, "reassign", lead, "--to", new))["counts"] == {"already": 1}
    [row] = await leads.db.fetch("select topic, body from svc_ingest.outbox")
    body = orjson.loads(row["body"])
    assert (row["topic"], body["broker_id"], body["former_broker_id"]) == (
        "funnel.lead_reassigned", str(new), str(former),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"campaign_status": "active"}, "contacted for the former broker"),
        ({"campaign_status": "paused", "paused_from": "active"}, "contacted for the former broker"),
        ({"campaign_status": "queued", "consent": True}, "contacted for the former broker"),
        ({"assigned_broker_id": None, "assignable_broker_ids": [UUID(int=5)]}, "does not let this broker"),
    ],
)
async def test_a_lead_that_must_stay_is_refused(
    equity: Equity, leads: LeadFixture, feed_data: FeedFixture, columns: dict[str, object], why: str
) -> None:
    former, new = await feed_data.add_broker(), await feed_data.add_broker()
    lead = await leads.add(assigned_broker_id=former)
    await leads.db.execute("set session_replication_role = replica")
    for name, value in columns.items():
        await leads.db.execute(f"update app.leads set {name} = $2, consented_at = now() where id = $1", lead, value)
    await leads.db.execute("set session_replication_role = default")
    done = await equity.soon("leads", "reassign", lead, "--to", new, *WHY)
    assert (done.code, why in done.out) == (3, True)
    assert await leads.outbox_topics("ingest") == []


async def test_a_disabled_broker_gets_no_lead(equity: Equity, leads: LeadFixture, feed_data: FeedFixture) -> None:
    new = await feed_data.add_broker(active=False)
    done = await equity.soon("leads", "reassign", await leads.add(), "--to", new, *WHY)
    assert (done.code, "the broker is disabled" in done.out) == (3, True)
