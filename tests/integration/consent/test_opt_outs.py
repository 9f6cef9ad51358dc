"""Opt-outs, withdrawals and later signatures, in every order, as PostgreSQL records them."""

import asyncio
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from common.bus import Tx
from common.compliance.consent_facts import read_consent_facts
from common.compliance.gate import Consent, ContactFacts, decide_contact
from common.compliance.opt_outs import withdraw_consent
from common.compliance.reasons import ContactReason
from common.ids import LeadId
from consent.chain import hash_row
from consent.command_queries import ProofRow
from support.consents import EMAIL, NUMBER, OTHER_NUMBER, ConsentFixture, at
from support.feeding import KEYS

NOT_LIFTED = [
    "wrong_person",
    "litigator",
    "deceased",
    "registry",
    "complaint",
    "forbidden_by_source",
    "operator",
    "erased",
]


async def consent_reasons(data: ConsentFixture, lead: LeadId, number: str = NUMBER) -> set[str]:
    """Return the reasons of the gate that concern the consent for a call to *number*."""
    found = (await read_consent_facts(data.consent, {lead: KEYS.hash_contact(number)}))[lead]
    facts = ContactFacts(
        channel="phone",
        purpose="campaign",
        value_hash=KEYS.hash_contact(number),
        seller=data.broker,
        consents=tuple(found.consents),
        withdrawals=tuple(found.withdrawals),
        owner_changes=tuple(found.owner_changes),
    )
    reasons = set(map(str, decide_contact(facts, at(600)).reasons))
    return reasons - set(map(str, decide_contact(replace(facts, consents=_valid(data, number)), at(600)).reasons))


def _valid(data: ConsentFixture, number: str) -> tuple[Consent, ...]:
    return (Consent(KEYS.hash_contact(number), data.broker, at(599)),)


async def test_an_opt_out_suppresses_the_value_once_and_removes_it_from_campaigns(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    campaign = await data.owner.fetchval(
        "insert into app.campaigns (broker_id, name, sequence) values ($1, 'C', '[]') returning id", data.broker
    )
    await data.owner.execute(
        "insert into app.vendor_memberships (lead_id, campaign_id, desired, value_hash) values ($1, $2, 'in', $3)",
        lead, campaign, KEYS.hash_contact(EMAIL),
    )  # fmt: skip
    first = await data.opt_out(EMAIL, 1, lead=lead, evidence=b"reply")
    second = await data.opt_out(EMAIL, 1, lead=lead, evidence=b"reply")
    third = await data.opt_out(EMAIL, 2, lead=lead, evidence=b"another reply")
    assert (first.is_new, second.is_new, third.is_new) == (True, False, False)
    assert first.suppression_id == second.suppression_id == third.suppression_id
    assert await data.active(EMAIL) == ["opt_out"]
    assert await data.owner.fetchval("select desired from app.vendor_memberships") == "out"


async def test_an_opt_out_of_an_unknown_lead_suppresses_the_value(data: ConsentFixture) -> None:
    recorded = await data.opt_out("unknown@example.com", 1, lead=LeadId(uuid4()))
    assert recorded.is_new
    assert await data.active("unknown@example.com") == ["opt_out"]


async def test_a_later_signature_lifts_the_opt_out_from_calls_and_says_so(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    await data.opt_out(NUMBER, 1, lead=lead)
    signed = await data.sign(lead, 2)
    assert signed["lifted"] == 1
    assert await data.active(NUMBER) == []
    granted, lifted = await data.audit(lead)
    assert (granted["action"], lifted["action"], lifted["reason"]) == ("granted", "lifted", "signature")
    [row] = await data.owner.fetch("select lifted_at, lifted_by from app.suppressions")
    assert (row["lifted_at"], row["lifted_by"]) == (at(2), lifted["id"])
    assert await data.summary(lead) == (True, at(2), "form")


@pytest.mark.parametrize("reason", NOT_LIFTED)
async def test_a_signature_lifts_no_other_suppression(data: ConsentFixture, reason: Any) -> None:
    lead = await data.add_lead()
    await data.opt_out(NUMBER, 1, lead=lead, reason=reason)
    await data.opt_out(NUMBER, 1, lead=lead)
    assert (await data.sign(lead, 2))["lifted"] == 1
    assert await data.active(NUMBER) == [reason]


async def test_a_signature_lifts_no_opt_out_from_email_and_none_of_another_number(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    for value in (EMAIL, OTHER_NUMBER):
        await data.opt_out(value, 1, lead=lead)
    assert (await data.sign(lead, 2))["lifted"] == 0
    assert await data.active(EMAIL) == await data.active(OTHER_NUMBER) == ["opt_out"]


async def add_owner(data: ConsentFixture, first_name: str, address: str) -> LeadId:
    """Add a lead with the number, for an owner named Ruiz of a home."""
    lead = await data.leads.add(
        status="active", phone=NUMBER, assigned_broker_id=data.broker, owner_first_name=first_name, owner_last_name="Ruiz",
        property_address=address, property_zip="34698",
    )  # fmt: skip
    return LeadId(lead)


@pytest.mark.parametrize(
    ("first_name", "address", "is_same"),
    [("ANA", "12 elm st", True), ("Carlos", "12 Elm St", False), ("Ana", "14 Elm St", False)],
)
async def test_a_signature_lifts_the_opt_out_of_the_same_owner_of_the_home_under_another_lead(
    data: ConsentFixture, first_name: str, address: str, is_same: bool
) -> None:
    signer, other = await add_owner(data, "Ana", "12 Elm St"), await add_owner(data, first_name, address)
    await data.opt_out(NUMBER, 1, lead=other)
    assert (await data.sign(signer, 2))["lifted"] == int(is_same)
    assert await data.active(NUMBER) == ([] if is_same else ["opt_out"])


async def test_a_signature_lifts_no_opt_out_that_another_person_gave_for_the_number(data: ConsentFixture) -> None:
    signer, other = await data.add_lead(), await data.add_lead(email="other@example.com")
    await data.opt_out(NUMBER, 1, lead=other)
    assert (await data.sign(signer, 2))["lifted"] == 0
    assert await data.active(NUMBER) == ["opt_out"]
    assert [row["action"] for row in await data.audit(signer)] == ["granted"]
    assert (await data.sign(other, 3))["lifted"] == 1
    assert await data.active(NUMBER) == []


@pytest.mark.parametrize("first", [0, 1])
async def test_the_opt_out_of_each_person_counts_until_that_person_signs(data: ConsentFixture, first: int) -> None:
    leads = [await data.add_lead(), await data.add_lead(email="other@example.com")]
    for lead in leads:
        assert (await data.opt_out(NUMBER, 1, lead=lead)).is_new
    await data.sign(leads[first], 2)
    assert await data.active(NUMBER) == ["opt_out"]
    await data.sign(leads[1 - first], 3)
    assert await data.active(NUMBER) == []


async def test_an_opt_out_that_arrives_after_the_signature_of_another_person_is_not_lifted(
    data: ConsentFixture,
) -> None:
    signer, other = await data.add_lead(), await data.add_lead(email="other@example.com")
    await data.sign(signer, 5)
    await data.opt_out(NUMBER, 1, lead=other)
    assert await data.active(NUMBER) == ["opt_out"]


async def test_a_signature_lifts_no_opt_out_of_the_former_owner(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    await data.opt_out(NUMBER, 1, lead=lead)
    await data.owner.execute(
        """insert into app.lead_conflicts (kind, lead_id, column_name, value, created_at)
        values ('owner_changed', $1, 'owner_last_name', 'x', $2)""",
        lead,
        at(2),
    )
    assert (await data.sign(lead, 3))["lifted"] == 0
    assert await data.active(NUMBER) == ["opt_out"]


async def test_an_opt_out_without_a_lead_is_lifted_only_where_the_number_is_of_the_signer_alone(
    data: ConsentFixture,
) -> None:
    signer = await data.add_lead()
    await data.opt_out(OTHER_NUMBER, 1)
    assert (await data.sign(signer, 2, OTHER_NUMBER))["lifted"] == 0, "the signer typed a number that no one knew"
    await data.opt_out(NUMBER, 1)
    assert (await data.sign(signer, 2))["lifted"] == 1
    await data.add_lead(email="other@example.com")
    await data.opt_out(NUMBER, 3)
    assert (await data.sign(signer, 4))["lifted"] == 0


async def test_a_signature_lifts_no_opt_out_that_an_operator_added(data: ConsentFixture, database: Any) -> None:
    lead = await data.add_lead()
    operator = await asyncpg.connect(database.dsn("operator"))
    await operator.execute(
        "select app.add_suppressions('phone', $1, 'h1', 'opt_out', 'ana', 'called the office')",
        [KEYS.hash_contact(NUMBER)],
    )
    await operator.close()
    signed_at = (datetime.now(UTC) - at(0)).total_seconds() / 60 + 1
    assert (await data.sign(lead, signed_at))["lifted"] == 0
    assert await data.active(NUMBER) == ["opt_out"]


async def test_the_database_refuses_a_lift_without_a_signature_in_the_same_transaction(data: ConsentFixture) -> None:
    lead, other = await data.add_lead(), await data.add_lead(email="other@example.com")
    await data.sign(lead, 3)
    await data.opt_out(NUMBER, 4, lead=lead)
    await data.opt_out(NUMBER, 4, lead=other)
    await data.sign(lead, 5)
    lifts = await data.owner.fetch("select id from app.lead_consent_audit order by id")
    assert await data.active(NUMBER) == ["opt_out"]
    for lift in lifts:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await data.owner.execute(
                "update app.suppressions set lifted_at = now(), lifted_by = $1 where lifted_at is null", lift["id"]
            )
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await data.owner.execute(
            """insert into app.suppressions (channel, value_hash, hash_key_id, reason, lead_id, at, lifted_at, lifted_by)
            select channel, value_hash, hash_key_id, 'litigator', lead_id, at, now(), $1 from app.suppressions limit 1""",
            lifts[0]["id"],
        )


@pytest.mark.parametrize("order", list(permutations(("early", "late", "signature"))))
async def test_the_order_of_arrival_does_not_matter(data: ConsentFixture, order: tuple[str, ...]) -> None:
    lead = await data.add_lead()
    for event in order:
        if event == "signature":
            await data.sign(lead, 5)
        else:
            await data.opt_out(NUMBER, 1 if event == "early" else 9, lead=lead, evidence=event.encode())
    assert await data.active(NUMBER) == ["opt_out"]
    assert await consent_reasons(data, lead) == {ContactReason.CONSENT_WITHDRAWN}
    assert (await data.summary(lead))[0] is False


@pytest.mark.parametrize("order", list(permutations(("opt_out", "signature"))))
async def test_an_opt_out_before_the_signature_is_lifted_in_either_order(
    data: ConsentFixture, order: tuple[str, ...]
) -> None:
    lead = await data.add_lead()
    for event in (*order, "opt_out"):
        if event == "signature":
            await data.sign(lead, 5)
        else:
            await data.opt_out(NUMBER, 1, lead=lead, evidence=b"reply")
    assert await data.active(NUMBER) == []
    assert await consent_reasons(data, lead) == set()
    assert (await data.summary(lead))[0] is True
    assert await data.owner.fetchval("select count(*) from app.suppressions") == 1


async def test_an_opt_out_ends_the_consents_of_every_lead_with_the_number(data: ConsentFixture) -> None:
    home, second_home = await data.add_lead(), await data.add_lead(email="second@example.com")
    await data.sign(home, 1)
    await data.sign(second_home, 2)
    await data.opt_out(NUMBER, 3, lead=home, evidence=b"call")
    await data.sign(home, 4)
    assert await data.active(NUMBER) == []
    assert await consent_reasons(data, home) == set()
    assert await consent_reasons(data, second_home) == {ContactReason.CONSENT_WITHDRAWN}
    assert [row["action"] for row in await data.audit(second_home)] == ["granted", "withdrawn"]
    assert (await data.summary(second_home))[0] is False


async def test_a_wrong_person_voids_the_consent(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    await data.sign(lead, 1)
    await data.opt_out(NUMBER, 2, reason="wrong_person")
    assert [(row["action"], row["reason"]) for row in await data.audit(lead)] == [
        ("granted", ""),
        ("voided", "wrong_person"),
    ]


async def test_two_values_of_one_statement_both_end_their_consents(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    await data.sign(lead, 1)
    await data.sign(lead, 2, OTHER_NUMBER)
    for number in (NUMBER, OTHER_NUMBER):
        await data.opt_out(number, 3, lead=lead, evidence=b"one reply")
        assert await consent_reasons(data, lead, number) == {ContactReason.CONSENT_WITHDRAWN}


async def test_an_opt_out_of_one_number_leaves_the_consent_for_another(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    await data.sign(lead, 1)
    await data.sign(lead, 2, OTHER_NUMBER)
    await data.opt_out(NUMBER, 3, lead=lead)
    assert await consent_reasons(data, lead) == {ContactReason.CONSENT_WITHDRAWN}
    assert await consent_reasons(data, lead, OTHER_NUMBER) == set()


async def test_a_withdrawal_ends_all_earlier_consents_and_no_later_one(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    await data.sign(lead, 1)
    await data.sign(lead, 5, OTHER_NUMBER)
    async with data.consent.transaction():
        first = await withdraw_consent(Tx(data.consent, "consent"), lead, "page", at(3), b"page")
        repeated = await withdraw_consent(Tx(data.consent, "consent"), lead, "page", at(3), b"page")
    assert first == repeated
    assert await consent_reasons(data, lead) == {ContactReason.CONSENT_WITHDRAWN}
    assert await consent_reasons(data, lead, OTHER_NUMBER) == set()
    assert (await data.summary(lead))[:2] == (True, at(5))
    async with data.consent.transaction():
        await withdraw_consent(Tx(data.consent, "consent"), lead, "office", at(6), None)
    assert (await data.summary(lead))[0] is False


async def test_a_signature_that_is_recorded_after_a_later_withdrawal_grants_nothing(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    async with data.consent.transaction():
        await withdraw_consent(Tx(data.consent, "consent"), lead, "page", at(3), b"page")
    await data.sign(lead, 2)
    assert (await data.summary(lead))[0] is False
    assert await consent_reasons(data, lead) == {ContactReason.CONSENT_WITHDRAWN}


async def test_a_consent_covers_what_its_text_names(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    assert (await data.sign(lead, 1))["covers"] == ["calls"]
    assert (await data.sign(lead, 2, text=2))["covers"] == ["calls", "texts"]
    found = await read_consent_facts(data.consent, {lead: KEYS.hash_contact(NUMBER)})
    assert [consent.covers for consent in found[lead].consents] == [{"calls"}, {"calls", "texts"}]


async def test_a_token_grants_one_consent(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    token = await data.owner.fetchval(
        "insert into app.consent_tokens (lead_id, nonce_hash) values ($1, 'n') returning id", lead
    )
    await data.sign(lead, 1, token=token)
    with pytest.raises(asyncpg.UniqueViolationError):
        await data.sign(lead, 2, token=token)


async def test_owner_changes_are_sales_and_conflicts_that_are_open_or_accepted(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    await data.owner.execute("update app.leads set last_sale_date = '2026-11-01' where id = $1", lead)
    for minutes, resolution in ((1, None), (2, "take"), (3, "dismiss"), (4, "keep")):
        await data.owner.execute(
            """insert into app.lead_conflicts (kind, lead_id, column_name, value, created_at, resolved_at, resolution)
            values ('owner_changed', $1, 'owner_last_name', $2::text, $3, case when $4::text is null then null else now() end, $4)""",
            lead, str(minutes), at(minutes), resolution,
        )  # fmt: skip
    found = await read_consent_facts(data.consent, {lead: KEYS.hash_contact(NUMBER)})
    assert sorted(found[lead].owner_changes) == [datetime(2026, 11, 2, 10, tzinfo=UTC), at(1), at(2)]


async def test_a_change_of_owner_pauses_the_lead_and_voids_its_consent(data: ConsentFixture) -> None:
    lead, without_consent = await data.add_lead(), await data.add_lead(NUMBER, "b@example.com")
    await data.sign(lead, 1)
    await data.owner.execute("select app.pause_for_new_owner($1)", [lead, without_consent])
    assert [(row["action"], row["reason"]) for row in await data.audit(lead)] == [
        ("granted", ""),
        ("voided", "owner_changed"),
    ]
    assert await data.audit(without_consent) == []
    assert (await data.summary(lead))[0] is False
    assert await data.leads.status(lead) == await data.leads.status(without_consent) == "paused"


@pytest.mark.parametrize(
    "statement",
    [
        "insert into app.suppressions (channel, value_hash, hash_key_id, reason) values ('phone', '', 'h', 'operator')",
        "update app.suppressions set lifted_at = now(), lifted_by = 1",
        "delete from app.suppressions",
        "insert into app.lead_consent_audit (lead_id, seq, action, row_hash) values (gen_random_uuid(), 1, 'voided', '')",
        "update app.lead_consent_audit set at = now()",
        "delete from app.lead_consent_audit",
        "select app.end_consent(null, 'voided', '', null, null, now(), null)",
    ],
)
@pytest.mark.parametrize("role", ["consent", "replies", "voice"])
async def test_services_record_by_functions_only(database: Any, role: str, statement: str) -> None:
    connection = await asyncpg.connect(database.dsn(role))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ["replies", "voice", "consent"])
async def test_replies_consent_and_voice_record_opt_outs_and_other_services_do_not(
    data: ConsentFixture, database: Any, role: str
) -> None:
    lead = await data.add_lead()
    statement = "select app.opt_out('phone', $1, 'h1', 'opt_out', $2, now(), null)"
    connection = await asyncpg.connect(database.dsn(role))
    await connection.execute(statement, KEYS.hash_contact(NUMBER), lead)
    await connection.close()
    assert await data.active(NUMBER) == ["opt_out"]
    feeder = await asyncpg.connect(database.dsn("feeder"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await feeder.execute(statement, KEYS.hash_contact(NUMBER), lead)
    await feeder.close()


def chain_hash(row: asyncpg.Record) -> bytes:
    """Return the hash of a row, computed outside the database."""
    return hash_row(ProofRow(*(row[field.name] for field in fields(ProofRow))))


async def test_each_row_holds_the_hash_of_the_row_before_it(data: ConsentFixture) -> None:
    lead, other = await data.add_lead(), await data.add_lead(OTHER_NUMBER, "b@example.com")
    await data.sign(lead, 1)
    await data.sign(other, 1, OTHER_NUMBER)
    await data.opt_out(NUMBER, 2, lead=lead, evidence=b"call")
    await data.sign(lead, 3, text=2)
    rows = await data.audit(lead)
    assert [row["action"] for row in rows] == ["granted", "withdrawn", "granted", "lifted"]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4]
    assert [row["row_hash"] for row in rows] == [chain_hash(row) for row in rows]
    assert [row["previous_hash"] for row in rows] == [None, *(row["row_hash"] for row in rows[:-1])]
    assert len(await data.audit(other)) == 1


async def test_concurrent_opt_outs_signatures_and_withdrawals_leave_intact_chains(
    data: ConsentFixture, database: Any
) -> None:
    leads = [await data.add_lead(email=f"{number}@example.com") for number in range(3)]
    pool = await asyncpg.create_pool(database.dsn("consent"), min_size=8, max_size=8)

    async def act(number: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            fixture = ConsentFixture(data.owner, connection, data.broker)
            lead = leads[number % 3]
            match number % 4:
                case 0:
                    await fixture.opt_out(NUMBER, number, lead=lead, evidence=str(number).encode())
                case 1:
                    await withdraw_consent(Tx(connection, "consent"), lead, "page", at(number), str(number).encode())
                case _:
                    await fixture.sign(lead, number)

    for start in range(0, 400, 8):
        await asyncio.gather(*(act(number) for number in range(start, start + 8)))
    await pool.close()
    for lead in leads:
        rows = await data.audit(lead)
        assert [row["row_hash"] for row in rows] == [chain_hash(row) for row in rows]
        assert [row["previous_hash"] for row in rows] == [None, *(row["row_hash"] for row in rows[:-1])]
    assert await data.active(NUMBER) == [], "the last signatures are later than the last opt-out"
    last_signed = {
        lead: max(number for number in range(400) if number % 3 == place and number % 4 > 1)
        for place, lead in enumerate(leads)
    }
    last_ended = {
        lead: max(number for number in range(400) if number % 4 == 0 or (number % 3 == place and number % 4 == 1))
        for place, lead in enumerate(leads)
    }
    for lead in leads:
        expected = set() if last_signed[lead] > last_ended[lead] else {ContactReason.CONSENT_WITHDRAWN}
        assert await consent_reasons(data, lead) == expected
