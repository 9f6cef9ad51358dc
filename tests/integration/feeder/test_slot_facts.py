"""Facts of a slot: what was known about a lead when it was fed. Later changes of the lead leave them as they are."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from common.ids import BrokerId, LeadId
from common.scoring.score import score_features
from common.scoring.stored_features import read_stored_features
from common.service import Service
from ingest.app import build
from ingest.leads.rescoring import lock_and_rescore_leads
from ingest.settings import IngestSettings
from support.databases import Database
from support.feeding import MONDAY, Feeder, FeedFixture
from support.installation import SECRETS

FACTS: dict[str, Any] = {
    "est_value": 400_000, "est_equity": 320_000, "est_ltv": 20, "open_loans": 1, "last_sale_date": date(2004, 5, 1),
    "owner_occupied": True, "vacant": False,
}  # fmt: skip
FEATURES = {
    "equity": 300_000, "equity_share": 70, "free_and_clear": False, "years_owned": 20, "owner_occupied": True,
    "phone": False, "email": True, "verified_phone": False, "verified_email": True, "vacant": False, "do_not_mail": False,
    "litigator": False, "deceased_owner": False,
}  # fmt: skip


@dataclass
class Home:
    """One lead of one broker, the feeder, and ingest, which scores the lead."""

    feed_data: FeedFixture
    feeder: Feeder
    ingest: Service
    broker: BrokerId
    lead: LeadId

    async def set_facts(self, **facts: Any) -> None:
        """Change facts of the lead and score it again, as ingest does after a record."""
        for column, value in facts.items():
            await self.feed_data.db.execute(f"update app.leads set {column} = $2 where id = $1", self.lead, value)
        await self.ingest.bus.transact(partial(lock_and_rescore_leads, lead_ids=[self.lead]))

    async def read_score(self) -> tuple[int, dict[str, int]]:
        """Return the lead's score and its contributions."""
        [row] = await self.feed_data.db.fetch("select lead_score, score_contributions from app.leads")
        return row["lead_score"], json.loads(row["score_contributions"])

    async def feed(self) -> None:
        """Feed the lead from a new snapshot."""
        await self.feeder.run_jobs("refresh", "feed")

    async def read_slot(self) -> dict[str, Any]:
        """Return the lead's slot."""
        [row] = await self.feed_data.db.fetch("select * from app.feed_slots")
        return {name: json.loads(value) if name in _JSON_COLUMNS else value for name, value in row.items()}


_JSON_COLUMNS = {"features", "score_contributions"}


@pytest.fixture
async def home(feed_data: FeedFixture, feeder: Feeder, database: Database) -> AsyncIterator[Home]:
    secrets: dict[str, Any] = {name.lower(): value for name, value in SECRETS.items()}
    ingest = build(IngestSettings(**secrets, database_url=SecretStr(database.dsn("ingest"))))
    await ingest.database.start()
    broker = await feed_data.add_broker(limit=1)
    [lead] = await feed_data.add_leads(broker, 1, refresh=False)
    home = Home(feed_data, feeder, ingest, broker, lead)
    await home.set_facts(**FACTS)
    yield home
    await ingest.database.stop()


async def test_a_slot_keeps_the_score_and_the_facts_on_which_the_lead_was_fed(home: Home) -> None:
    total, contributions = await home.read_score()
    await home.feed()
    slot = await home.read_slot()
    assert (slot["score_model"], slot["lead_score"], slot["score_contributions"]) == (0, total, contributions)
    assert (slot["propensity"], slot["drawn"]) == (1.0, False)
    assert slot["features"] == FEATURES


async def test_the_score_follows_from_the_kept_features_alone(home: Home) -> None:
    await home.feed()
    slot = await home.read_slot()
    assert score_features(slot["features"]) == (slot["lead_score"], slot["score_contributions"])


async def test_a_fed_lead_that_is_scored_again_keeps_the_old_facts_in_its_slot(home: Home) -> None:
    await home.feed()
    before, old_score = await home.read_slot(), await home.read_score()
    await home.set_facts(est_equity=20_000, est_ltv=95, owner_occupied=False, do_not_mail=True)
    assert await home.read_score() != old_score
    await home.feeder.run_jobs("top_up", "reconcile")
    assert await home.read_slot() == {**before, "state": "added"}


async def test_a_lead_that_is_fed_again_has_the_newest_facts(home: Home) -> None:
    await home.feed()
    await home.feed_data.db.execute(
        "update app.vendor_memberships set desired = 'out'; update app.feed_slots set state = 'returned';"
        "update app.leads set campaign_status = 'queued', added_to_campaign_at = null"
    )
    await home.set_facts(est_equity=120_000, est_ltv=70, open_loans=None)
    home.feed_data.clock.advance(days=1)
    await home.feed()
    slot = await home.read_slot()
    assert (slot["state"], slot["local_date"]) == ("reserved", date(2026, 11, 17))
    assert slot["features"] == {**FEATURES, "equity": 100_000, "equity_share": 30}
    assert (slot["lead_score"], slot["score_contributions"]) == await home.read_score()


async def test_a_lead_without_facts_is_fed_with_unknown_features(home: Home) -> None:
    await home.set_facts(**dict.fromkeys(FACTS))
    await home.feed()
    features = (await home.read_slot())["features"]
    unknown = {name for name, value in features.items() if value is None}
    assert unknown == {"equity", "equity_share", "years_owned", "owner_occupied", "vacant"}


CONTACTS = [("phone", None), ("phone", True), ("phone", False), ("email", None), ("email", False)]


@pytest.mark.parametrize("contacts", [CONTACTS[:1], CONTACTS[1:2], CONTACTS[2:3], CONTACTS[3:], CONTACTS])
async def test_the_kept_features_are_those_of_the_score(home: Home, contacts: list[tuple[str, bool | None]]) -> None:
    """The feed reads the facts of the score in the statement of the gate's facts. Both must count contacts alike."""
    for number, (channel, verified) in enumerate(contacts):
        await home.feed_data.db.execute(
            """insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source, verified)
            values ($1, $2, sha256($3), 'h1', '', 'test', $4)""",
            home.lead, channel, bytes([number]), verified,
        )  # fmt: skip
    await home.set_facts()
    features = await read_stored_features(home.feed_data.db, {home.lead: MONDAY.date()})
    await home.feed()
    slot = await home.read_slot()
    assert slot["features"] == features[home.lead]
    assert score_features(slot["features"]) == (slot["lead_score"], slot["score_contributions"])
