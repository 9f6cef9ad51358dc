"""Promises of `upsert_leads` on PostgreSQL: one lead from many records, as the login role of ingest."""

import asyncio
import itertools
import json
import random
from collections.abc import Coroutine, Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.ids import BrokerId, LeadId
from common.lead_facts import FACT_GROUPS, FLAGS, LEAD_FACTS, STAMPED_FACTS
from common.pii.owner_words import owners_of, share_an_owner
from ingest.leads import queries
from ingest.leads.lead_row import LeadRow
from ingest.leads.merge import find_lost_keys, merge_records
from support import databases

UPSERT = "select * from app.upsert_leads($1::pipeline.leads_staging[])"


class Leads:
    """Leads table under test: written as `svc_ingest`, read as a superuser."""

    def __init__(self, database: databases.Database) -> None:
        self.database = database
        self.runner = asyncio.Runner()
        self.ingest = self.run(asyncpg.connect(database.dsn("ingest")))
        self.owner = self.run(asyncpg.connect(database.superuser_dsn))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self.ingest.close())
        self.run(self.owner.close())
        self.runner.close()

    def empty(self) -> None:
        self.run(self.owner.execute("truncate app.leads cascade"))

    def upsert(self, *rows: LeadRow) -> list[Any]:
        """Upsert as ingest does: merge in Python, then one call."""
        homes = merge_records(rows)
        records = [home.row.as_record(number) for number, home in enumerate(homes)]
        found = sorted(self.run(self.ingest.fetch(UPSERT, records)), key=lambda lead: lead["ord"])
        lost = [
            (lead["lead_id"], column, value)
            for home, lead in zip(homes, found, strict=True)
            for column, value in find_lost_keys([rows[member] for member in home.members], home.row)
        ]
        nothing = [None] * len(lost)
        self.run(
            queries.add_conflicts(
                self.ingest,
                lead_ids=[lead_id for lead_id, _, _ in lost],
                columns=[column for _, column, _ in lost],
                values=[value for _, _, value in lost],
                upload_ids=nothing,
                rows=nothing,
                event_ids=nothing,
            )
        )
        return found

    def all(self) -> list[Any]:
        return list(self.run(self.owner.fetch("select * from app.leads order by id")))

    def conflicts(self) -> list[Any]:
        return list(self.run(self.owner.fetch("select * from app.lead_conflicts order by id")))

    def broker(self, name: str) -> BrokerId:
        return BrokerId(self.run(self.owner.fetchval("insert into app.brokers (name) values ($1) returning id", name)))


@pytest.fixture(scope="module")
def module_leads() -> Iterator[Leads]:
    with databases.create_database() as database:
        leads = Leads(database)
        yield leads
        leads.close()


@pytest.fixture
def leads(module_leads: Leads) -> Leads:
    module_leads.empty()
    return module_leads


def row(
    stamp: int = 1_000,
    mak: str | None = None,
    broker: BrokerId | None = None,
    editable: list[BrokerId] | None = None,
    **facts: Any,
) -> LeadRow:
    flags = {flag: facts.pop(flag, False) for flag in FLAGS}
    return LeadRow(LeadId(uuid4()), stamp, "upstream", {"property_state": "FL", **facts}, flags, mak, broker, editable)


def stamps_of(lead: Any) -> dict[str, int]:
    """Return the stamp of each fact that *lead* has."""
    observed = json.loads(lead["observed"])
    return {name: observed.get(name, lead["stamp"]) for name in STAMPED_FACTS if lead[name] is not None}


A, B = "1" * 10, "2" * 10
H, G = b"h" * 16, b"g" * 16


def test_a_record_matches_by_mak_then_parcel_then_address(leads: Leads) -> None:
    [first] = leads.upsert(row(mak=A, apn_key="FL|X|1", addr_hash=H))
    assert first["outcome"] == "inserted"
    for record, by in ((row(mak=A), "mak"), (row(apn_key="FL|X|1"), "apn"), (row(addr_hash=H), "address")):
        [found] = leads.upsert(record)
        assert (found["lead_id"], found["outcome"], found["matched_by"]) == (first["lead_id"], "duplicate", by)
    assert len(leads.all()) == 1


def test_a_weaker_key_never_joins_records_with_different_stronger_keys(leads: Leads) -> None:
    leads.upsert(row(mak=A, apn_key="FL|X|1", addr_hash=H))
    [other] = leads.upsert(row(mak=B, apn_key="FL|X|1", addr_hash=H))
    assert other["outcome"] == "inserted"
    held = {(c["kind"], c["column_name"], c["value"]) for c in leads.conflicts()}
    assert held == {("key_held", "apn_key", "FL|X|1"), ("key_held", "addr_hash", H.hex())}
    assert [lead["apn_key"] for lead in leads.all() if lead["mak"] == B] == [None]


def test_the_same_records_in_one_batch_give_the_same_leads(leads: Leads) -> None:
    leads.upsert(
        row(mak=A, apn_key="FL|X|1", addr_hash=H), row(mak=B, apn_key="FL|X|1", addr_hash=H), row(apn_key="FL|X|1")
    )
    assert {lead["mak"] for lead in leads.all()} == {A, B}
    assert len(leads.conflicts()) == 2


def test_a_record_fills_empty_values_and_replaces_older_ones(leads: Leads) -> None:
    leads.upsert(row(1_000, A, est_value=1, county="X"))
    [found] = leads.upsert(row(2_000, A, est_value=2, est_equity=3))
    assert (found["outcome"], found["lead_version"]) == ("updated", 2)
    [late] = leads.upsert(row(1_500, A, est_value=9, owner_occupied=True))
    assert late["outcome"] == "updated"
    [lead] = leads.all()
    assert (lead["est_value"], lead["est_equity"], lead["county"], lead["owner_occupied"]) == (2, 3, "X", True)


def test_a_key_that_is_replaced_is_kept_as_a_conflict(leads: Leads) -> None:
    leads.upsert(row(1_000, A, apn_key="FL|X|1"))
    leads.upsert(row(2_000, A, apn_key="FL|X|2"))
    leads.upsert(row(1_500, A, apn_key="FL|X|0"))
    assert [lead["apn_key"] for lead in leads.all()] == ["FL|X|2"]
    assert {c["value"] for c in leads.conflicts()} == {"FL|X|1", "FL|X|0"}


def test_another_brokers_lead_is_a_duplicate_and_unchanged(leads: Leads) -> None:
    mine, theirs = leads.broker(f"mine {uuid4()}"), leads.broker(f"theirs {uuid4()}")
    leads.upsert(row(1_000, A, broker=theirs, est_value=1))
    before = leads.all()
    for record in (row(2_000, A, broker=mine, est_value=2), row(2_000, A, editable=[mine], est_value=2)):
        [found] = leads.upsert(record)
        assert found["outcome"] == "duplicate"
    assert leads.all() == before
    assert leads.conflicts() == []
    [found] = leads.upsert(row(2_000, A, editable=[theirs], est_value=2))
    assert found["outcome"] == "updated"


def test_a_lead_without_a_broker_takes_the_records_and_keeps_it(leads: Leads) -> None:
    first = leads.broker(f"first {uuid4()}")
    leads.upsert(row(1_000, A))
    [found] = leads.upsert(row(1_000, A, broker=first))
    assert (found["outcome"], found["broker_id"]) == ("updated", first)


def test_flags_stay_once_they_are_true(leads: Leads) -> None:
    leads.upsert(row(1_000, A, litigator=True))
    [found] = leads.upsert(row(2_000, A, litigator=False))
    assert found["outcome"] == "duplicate"
    assert [lead["litigator"] for lead in leads.all()] == [True]


def test_a_new_owner_voids_the_consent_and_pauses_the_lead(leads: Leads) -> None:
    [first] = leads.upsert(row(1_000, A, owner_last_name="Holt"))
    leads.run(
        leads.owner.execute(
            "update app.leads set consent = true, consented_at = now(), campaign_status = 'queued' where id = $1",
            first["lead_id"],
        )
    )
    leads.upsert(row(2_000, A, owner_last_name="HOLT"))
    assert leads.all()[0]["consent"]
    leads.upsert(row(3_000, A, owner_last_name="Ruiz"))
    [lead] = leads.all()
    assert (lead["consent"], lead["campaign_status"], lead["paused_from"]) == (False, "paused", "queued")
    assert [c["kind"] for c in leads.conflicts()] == ["owner_changed"]


def test_upsert_lead_takes_one_record_as_json(leads: Leads) -> None:
    body = '{"mak": "1234567890", "property_address": "1 Elm St", "est_value": 5, "unknown": 1}'
    first = leads.run(leads.ingest.fetchval("select app.upsert_lead($1::jsonb)", body))
    assert leads.run(leads.ingest.fetchval("select app.upsert_lead($1::jsonb)", body)) == first
    assert len(leads.all()) == 1


# --- properties ---

HOME_KEYS = st.tuples(
    st.none() | st.integers(0, 2).map(lambda n: str(n) * 10),
    st.none() | st.integers(0, 2).map(lambda n: f"FL|X|{n}"),
    st.none() | st.integers(0, 2).map(lambda n: bytes([n]) * 16),
).filter(any)
RECORDS = st.lists(
    st.tuples(HOME_KEYS, st.integers(1_000, 1_003), st.none() | st.integers(0, 3), st.none() | st.sampled_from(["a", "B", "ä"])),
    min_size=1, max_size=10,
)  # fmt: skip
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def drawn_rows(drawn: list[Any]) -> list[LeadRow]:
    return [
        row(stamp, mak, apn_key=apn, addr_hash=addr, est_value=value, county=text)
        for (mak, apn, addr), stamp, value, text in drawn
    ]


def in_batches(rows: list[LeadRow], sizes: list[int]) -> Iterator[list[LeadRow]]:
    rest = list(rows)
    for size in sizes:
        if rest:
            yield rest[:size]
            rest = rest[size:]
    if rest:
        yield rest


@given(RECORDS, st.lists(st.integers(1, 4), max_size=4))
@SLOW
def test_no_two_leads_share_a_key_and_no_key_is_lost(module_leads: Leads, drawn: list[Any], sizes: list[int]) -> None:
    module_leads.empty()
    rows = drawn_rows(drawn)
    for batch in in_batches(rows, sizes):
        module_leads.upsert(*batch)
    found = module_leads.all()
    kept = {(c["column_name"], c["value"]) for c in module_leads.conflicts()}
    for column in ("mak", "apn_key", "addr_hash"):
        on_leads = [lead[column] for lead in found if lead[column] is not None]
        assert len(on_leads) == len(set(on_leads))
        for record in rows:
            key = record.mak if column == "mak" else record.facts.get(column)
            shown = key.hex() if isinstance(key, bytes) else key
            assert key is None or key in on_leads or (column, shown) in kept


@given(st.data())
@SLOW
def test_any_order_and_any_batches_give_the_same_leads_when_records_agree_on_their_strongest_key(
    module_leads: Leads, data: st.DataObject
) -> None:
    drawn = data.draw(
        st.lists(
            st.tuples(st.integers(0, 2), st.booleans(), st.booleans(), st.integers(1_000, 1_002), st.none() | st.integers(0, 3),
                      st.none() | st.sampled_from(["a", "B", "ä"])),
            min_size=1, max_size=9,
        )
    )  # fmt: skip
    rows = [
        row(stamp, str(home) * 10, apn_key=f"FL|X|{home}{value}" if apn else None, addr_hash=bytes([home]) * 16 if addr else None,
            est_value=value, county=text)
        for home, apn, addr, stamp, value, text in drawn
    ]  # fmt: skip
    results = []
    for _ in range(2):
        module_leads.empty()
        for batch in in_batches(data.draw(st.permutations(rows)), data.draw(st.lists(st.integers(1, 4), max_size=4))):
            module_leads.upsert(*batch)
        results.append(
            (
                {
                    lead["mak"]: ({name: lead[name] for name in STAMPED_FACTS}, stamps_of(lead))
                    for lead in module_leads.all()
                },
                {(c["kind"], c["column_name"], c["value"]) for c in module_leads.conflicts()},
            )
        )
    assert results[0] == results[1]


@given(RECORDS)
@SLOW
def test_a_repeat_changes_nothing(module_leads: Leads, drawn: list[Any]) -> None:
    """Holds for records that agree on their strongest key. Otherwise a new key of one home frees the old key for another."""
    module_leads.empty()
    rows = [
        row(
            stamp,
            mak,
            apn_key=apn and f"{apn}-{mak}",
            addr_hash=addr and bytes([int(mak[0])]) * 16,
            est_value=value,
            county=text,
        )
        for (mak, apn, addr), stamp, value, text in drawn
        if mak
    ]
    for record in rows:
        module_leads.upsert(record)
    before = [dict(lead) for lead in module_leads.all()]
    for record in rows:
        [found] = module_leads.upsert(record)
        assert found["outcome"] == "duplicate"
    assert [dict(lead) for lead in module_leads.all()] == before


async def test_three_writers_with_random_merges_never_deadlock(database: databases.Database) -> None:
    seeded_random = random.Random(11)
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"

    async def write(seed: int) -> None:
        own = random.Random(seed)
        connection = await asyncpg.connect(database.dsn("ingest"))
        for _ in range(25):
            records = []
            for number in range(60):
                n = own.randrange(80)
                keys = own.sample(["mak", "apn", "addr"], own.randint(1, 3))
                made = row(
                    1_000 + own.randrange(50),
                    f"{n:010d}" if "mak" in keys and n else None,
                    apn_key=f"FL|X|{n // 2}" if "apn" in keys else None,
                    addr_hash=bytes([n]) * 16 if "addr" in keys else None,
                    est_value=own.randrange(9),
                )
                records.append(made.as_record(number))
            async with connection.transaction():
                await connection.fetch(UPSERT, records)
        await connection.close()

    async def move() -> None:
        connection = await asyncpg.connect(database.dsn("feeder"))
        for _ in range(60):
            found = [r["id"] for r in await connection.fetch("select id from app.leads limit 40")]
            seeded_random.shuffle(found)
            await connection.fetch("select * from app.transition_lead($1, 'queued', 'test')", found)
        await connection.close()

    await asyncio.gather(write(1), write(2), write(3), move())
    owner = await asyncpg.connect(database.superuser_dsn)
    await owner.execute("select pg_stat_clear_snapshot()")
    assert await owner.fetchval(deadlocks) == 0
    assert await owner.fetchval("select count(*) from app.leads") > 0
    await owner.close()


# --- keys and their displayed values ---

HOLT: dict[str, Any] = {"owner_first_name": "Ann", "owner_last_name": "Holt"}
RUIZ: dict[str, Any] = {"owner_first_name": "Leo", "owner_last_name": "Ruiz"}


def home(address: str, parcel: str, stamp: int = 1_000, mak: str | None = None, **facts: Any) -> LeadRow:
    """Return a record with a county, a parcel number and an address, each with its displayed values."""
    return row(
        stamp, mak, apn_key=f"12103|{parcel}", apn=f"{parcel[:2]}-{parcel[2:]}", fips="12103", county="PINELLAS",
        addr_hash=address.encode().ljust(16, b"."), property_address=address, **facts,
    )  # fmt: skip


@pytest.mark.parametrize("batched", [True, False])
def test_a_parcel_number_at_two_addresses_with_two_owners_is_a_conflict(leads: Leads, batched: bool) -> None:
    rows = [home("1 ELM", "11222", **HOLT), home("9 OAK", "11222", **RUIZ), home("5 FIR", "11222")]
    for batch in [rows] if batched else [[one] for one in rows]:
        leads.upsert(*batch)
    found = {lead["property_address"]: lead["owner_last_name"] for lead in leads.all()}
    assert found == {"1 ELM": "Holt", "9 OAK": "Ruiz", "5 FIR": None}
    assert {(c["kind"], c["column_name"], c["value"]) for c in leads.conflicts()} == {
        ("key_held", "apn_key", "12103|11222")
    }
    assert len(leads.conflicts()) == 2


def test_a_resale_and_a_respelled_address_are_still_matches(leads: Leads) -> None:
    leads.upsert(home("1 ELM", "11222", **HOLT))
    [resold] = leads.upsert(home("1 ELM", "11222", 1_001, **RUIZ))
    [respelled] = leads.upsert(home("1 ELM ST", "11222", 1_002, owner_last_name="RUIZ", owner_first_name="Leo B."))
    assert (resold["matched_by"], respelled["matched_by"]) == ("apn", "apn")
    assert [(lead["property_address"], lead["owner_last_name"]) for lead in leads.all()] == [("1 ELM ST", "RUIZ")]


def test_many_homes_with_one_parcel_number_take_few_rounds(leads: Leads) -> None:
    rows = [home(f"{n} ELM", "11222", owner_last_name=f"Owner{n}") for n in range(300)]
    assert {lead["outcome"] for lead in leads.upsert(*rows)} == {"inserted"}
    assert len(leads.all()) == 300


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("batched", [True, False])
def test_a_row_with_swapped_values_leaves_every_home_its_parcel_number(
    leads: Leads, order: tuple[int, ...], batched: bool
) -> None:
    rows = [home("1 ELM", "11222", mak=A), home("9 OAK", "33444", mak=B), home("9 OAK", "11222", 900, mak=B)]
    drawn = [rows[place] for place in order]
    for batch in [drawn] if batched else [[one] for one in drawn]:
        leads.upsert(*batch)
    found = {lead["mak"]: (lead["apn"], lead["apn_key"]) for lead in leads.all()}
    assert found == {A: ("11-222", "12103|11222"), B: ("33-444", "12103|33444")}


@given(st.permutations(range(6)), st.lists(st.integers(1, 3), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_contested_parcels_give_the_same_homes_in_any_order(
    module_leads: Leads, order: list[int], sizes: list[int]
) -> None:
    module_leads.empty()
    rows = [
        home("1 ELM", "11222", 1_000, **HOLT), home("1 ELM", "11222", 1_001, est_value=5, **HOLT), home("9 OAK", "11222", **RUIZ),
        home("9 OAK", "11222", 1_002, est_value=7, **RUIZ), home("5 FIR", "33444", **HOLT), home("5 FIR RD", "33444", 1_001, **HOLT),
    ]  # fmt: skip
    for batch in in_batches([rows[place] for place in order], sizes):
        module_leads.upsert(*batch)
    found = {(lead["property_address"], lead["owner_last_name"], lead["est_value"]) for lead in module_leads.all()}
    assert found == {("1 ELM", "Holt", 5), ("9 OAK", "Ruiz", 7), ("5 FIR RD", "Holt", None)}


VALUES = {
    "text": st.sampled_from(["a", "B", "\xe4", "ab"]),
    "bytea": st.sampled_from([bytes(16), b"h" * 16]),
    "boolean": st.booleans(),
    "date": st.dates(date(2001, 1, 1), date(2001, 1, 3)),
    "smallint": st.integers(1, 3),
    "integer": st.integers(1, 3),
    "bigint": st.integers(-1, 1),
    "numeric(5,2)": st.sampled_from([Decimal("1.50"), Decimal("2.25")]),
    "numeric(7,2)": st.sampled_from([Decimal("1.50"), Decimal("200.25")]),
}
KEYS_OF_ONE_HOME: dict[str, Any] = {"apn_key": "12103|1", "addr_hash": H}
"""Rows with different keys go to the database one by one, so a merge in Python needs one home."""
RECORDS_OF_ONE_HOME = st.lists(
    st.tuples(
        st.integers(1_000, 1_002),
        st.fixed_dictionaries(
            {},
            optional={
                fact.name: VALUES[fact.sql_type]
                for fact in LEAD_FACTS
                if (fact.is_stamped or fact.name in FLAGS) and fact.name not in KEYS_OF_ONE_HOME
            },
        ),
    ),
    min_size=1,
    max_size=5,
)


@given(RECORDS_OF_ONE_HOME)
@SLOW
def test_sql_and_python_choose_the_same_value_and_stamp_of_every_fact(module_leads: Leads, drawn: list[Any]) -> None:
    rows = [row(stamp, A, **KEYS_OF_ONE_HOME, **facts) for stamp, facts in drawn]
    results = []
    for batches in ([rows], [[one] for one in rows]):
        module_leads.empty()
        for batch in batches:
            module_leads.upsert(*batch)
        [lead] = module_leads.all()
        results.append(({name: lead[name] for name in (*STAMPED_FACTS, *FLAGS)}, stamps_of(lead)))
    assert results[0] == results[1]


def test_a_lead_lists_the_stamps_of_older_facts_only(leads: Leads) -> None:
    leads.upsert(row(1_000, A, est_value=1, county="X"))
    [lead] = leads.all()
    assert (lead["stamp"], json.loads(lead["observed"])) == (1_000, {})
    leads.upsert(row(2_000, A, est_value=2, property_state="FL"))
    leads.upsert(row(1_500, A, est_equity=5))
    [lead] = leads.all()
    assert (lead["stamp"], json.loads(lead["observed"])) == (2_000, {"county": 1_000, "est_equity": 1_500})


GROUP_ROWS = st.lists(
    st.tuples(st.integers(1_000, 1_002), st.sampled_from([A, B]), st.none() | st.sampled_from("abc"), st.none() | st.sampled_from("xyz"),
              st.none() | st.sampled_from("pq")),
    min_size=1, max_size=7,
)  # fmt: skip


@given(GROUP_ROWS, st.lists(st.integers(1, 3), max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_displayed_value_comes_from_the_record_of_its_key(
    module_leads: Leads, drawn: list[Any], sizes: list[int]
) -> None:
    module_leads.empty()
    rows = [
        row(s, mak, apn_key=key and f"12103|{key}", apn=apn, addr_hash=key and key.encode() * 16, property_address=apn, property_unit=unit,
            fips=key, county=unit)
        for s, mak, key, apn, unit in drawn
    ]  # fmt: skip
    for batch in in_batches(rows, sizes):
        module_leads.upsert(*batch)
    for lead in module_leads.all():
        mine = [one.facts for one in rows if one.mak == lead["mak"]]
        for names in FACT_GROUPS.values():
            shown = [lead[name] for name in names[1:]]
            same = [one for one in mine if [one.get(name) for name in names[1:]] == shown]
            assert same or not any(shown)
            assert lead[names[0]] is None or lead[names[0]] in [one.get(names[0]) for one in same]


NAMES = st.none() | st.sampled_from(
    ["Holt", "HOLT ", "O'Neil", "ONEIL", "N\xfa\xf1ez", "NUNEZ", "Ann", "Ann M.", "Oak Homes, LLC", "oak homes", "Stra\xdfe", "\u0418\u0432",
     "", "-", "Ann Holt"]
)  # fmt: skip
OWNERS = st.tuples(NAMES, NAMES, NAMES, NAMES, NAMES)


@given(OWNERS, OWNERS)
@SLOW
def test_sql_and_python_compare_owners_alike(module_leads: Leads, first: Any, second: Any) -> None:
    names = ("owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name", "company_name")
    here = share_an_owner(*(owners_of(dict(zip(names, one, strict=True))) for one in (first, second)))
    there = module_leads.run(
        module_leads.ingest.fetchval(
            "select app.share_an_owner(app.owners_named($1, $2, $3, $4, $5), app.owners_named($6, $7, $8, $9, $10))",
            *first,
            *second,
        )
    )
    assert here == there
