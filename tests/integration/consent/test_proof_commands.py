"""`equity consent show` and `verify`: an intact chain, and each way in which a superuser could damage one."""

import json
from uuid import uuid4

import pytest

from common.ids import LeadId
from support.commandline import Equity
from support.consents import NUMBER, ConsentFixture
from support.databases import Database
from support.installation import SECRETS

REPLACE_ROW = "update app.lead_consent_audit set {} where lead_id = $1 and seq = {}"


async def publish(data: ConsentFixture, lead: LeadId) -> None:
    """Record the events that carry the hashes of the lead's chain, as the recorder does."""
    for row in await data.audit(lead):
        if row["action"] in ("granted", "withdrawn", "voided"):
            event_type = "consent_granted" if row["action"] == "granted" else "consent_revoked"
            payload = json.dumps({"seq": row["seq"], "row_hash": row["row_hash"].hex()})
            await data.owner.execute(
                """insert into app.pipeline_events (event_id, event_type, lead_id, occurred_at, created_at, payload)
                values ($1, $2, $3, now(), now(), $4)""",
                uuid4(), event_type, lead, payload,
            )  # fmt: skip


@pytest.fixture
def equity(database: Database) -> Equity:
    """`equity(...)` of a user who knows the operators' login, and no key that opens the kept copies."""
    return Equity(
        {
            **{name: value for name, value in SECRETS.items() if name != "ENCRYPTION_KEY"},
            "OPERATOR_DATABASE_URL": database.dsn("operator"),
            "DATABASE_URL": "postgresql://unknown@127.0.0.1:1/none",
        }
    )


@pytest.fixture
async def lead(data: ConsentFixture) -> LeadId:
    """A lead that signed, opted out and signed again; its chain has four rows."""
    lead = await data.add_lead()
    await data.sign(lead, 1)
    await data.opt_out(NUMBER, 2, lead=lead, evidence=b"call")
    await data.sign(lead, 3, text=2)
    await publish(data, lead)
    return lead


async def test_an_intact_proof_is_shown_and_verified(data: ConsentFixture, lead: LeadId, equity: Equity) -> None:
    shown = equity("consent", "show", str(lead), "--json").ok().json
    assert [row["action"] for row in shown] == ["granted", "withdrawn", "granted", "lifted"]
    assert shown[2]["covers"] == ["calls", "texts"]
    assert NUMBER not in json.dumps(shown)
    assert equity("consent", "verify", str(lead), "--json").ok().json == {"leads": 1, "copies": None, "faults": []}
    await data.sign(await data.add_lead(email="b@example.com"), 1)
    answer = equity("consent", "verify", "--all").ok()
    assert "The proof of 2 leads is intact." in answer.out + answer.err
    assert "not compared: set ENCRYPTION_KEY" in answer.out + answer.err
    assert equity("consent", "verify", "--all", "--json").ok().json == {"leads": 2, "copies": None, "faults": []}


@pytest.mark.parametrize(
    ("damage", "faults"),
    [
        (REPLACE_ROW.format("at = at - interval '1 day'", 1), [(1, "changed")]),
        (REPLACE_ROW.format("page_hash = sha256('')", 3), [(3, "changed")]),
        (REPLACE_ROW.format("covers = '{calls,texts}'", 1), [(1, "changed")]),
        ("delete from app.lead_consent_audit where lead_id = $1 and seq = 2", [(2, "removed")]),
        ("delete from app.lead_consent_audit where lead_id = $1 and seq = 1", [(1, "removed")]),
        ("delete from app.lead_consent_audit where lead_id = $1 and seq >= 3", [(3, "removed")]),
        ("delete from app.lead_consent_audit where lead_id = $1", [(1, "removed"), (2, "removed"), (3, "removed")]),
        (REPLACE_ROW.format("previous_hash = sha256('')", 2), [(2, "changed")]),
    ],
)
async def test_each_damage_is_found(
    data: ConsentFixture, lead: LeadId, equity: Equity, damage: str, faults: list[tuple[int, str]]
) -> None:
    await data.owner.execute("delete from app.suppressions")
    await data.owner.execute(damage, lead)
    for which in (str(lead), "--all"):
        answer = equity("consent", "verify", which, "--json")
        assert answer.code == 1
        assert [(fault["seq"], fault["fault"]) for fault in answer.json["faults"]] == faults
    assert str(lead) in equity("consent", "verify", "--all").out


async def test_a_chain_that_was_computed_again_contradicts_its_events(
    data: ConsentFixture, lead: LeadId, equity: Equity
) -> None:
    await data.owner.execute(REPLACE_ROW.format("at = at - interval '1 day'", 1), lead)
    await data.owner.execute(
        """do $$
        declare entry app.lead_consent_audit; former bytea;
        begin
          for entry in select * from app.lead_consent_audit order by seq loop
            entry.previous_hash := former;
            entry.row_hash := app.hash_consent_audit(entry);
            update app.lead_consent_audit set previous_hash = entry.previous_hash, row_hash = entry.row_hash where id = entry.id;
            former := entry.row_hash;
          end loop;
        end $$"""
    )
    found = equity("consent", "verify", str(lead), "--json").json["faults"]
    assert {fault["fault"] for fault in found} == {"differs from the event that announced it"}


def test_what_is_asked_wrongly_is_said(equity: Equity) -> None:
    assert equity("consent", "verify").code == 2
    assert equity("consent", "verify", str(uuid4()), "--all").code == 2
    assert equity("consent", "verify", "no-id").code == 2
    answer = equity("consent", "show", str(uuid4())).ok()
    assert "signed nothing" in answer.out + answer.err
