"""The committed migrations have every lead fact, and the generator writes what a change of the table needs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from common.lead_facts import LEAD_FACTS, LeadFact, MergeRule, ValueFormat, ValueKind
from fact_migrations.__main__ import MIGRATIONS
from fact_migrations.migration import FactMigration, TypeChangeError, plan_migration

STORIES = LeadFact(
    "stories", "smallint", ValueFormat(ValueKind.COUNT, 0, 200), MergeRule.LATEST, ("Number of Stories",)
)


def plan(directory: Path, facts: Sequence[LeadFact]) -> FactMigration:
    migration = plan_migration(directory, facts)
    assert migration
    return migration


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A series that consists of the first migration of the table."""
    plan(tmp_path, LEAD_FACTS).write(tmp_path)
    return tmp_path


def test_the_committed_migrations_equal_the_table() -> None:
    assert plan_migration(MIGRATIONS, LEAD_FACTS) is None, "Run ./dev schema"


def test_the_first_migration_has_every_stored_fact_and_nothing_is_left_to_do(directory: Path) -> None:
    text = (directory / "0001.lead-facts.sql").read_text()
    stored = [fact for fact in LEAD_FACTS if fact.merge is not MergeRule.NOT_STORED]
    assert all(text.count(f"add column {fact.name} {fact.sql_type}") == 2 for fact in stored)
    assert "do_not_contact" not in text
    assert plan_migration(directory, LEAD_FACTS) is None


def test_a_new_fact_is_added_granted_and_merged(directory: Path) -> None:
    migration = plan(directory, (STORIES, *LEAD_FACTS))
    assert migration.name == "0002.lead-facts-stories"
    for statement in (
        "alter table app.leads\n  add column stories smallint;",
        "alter table pipeline.leads_staging\n  add column stories smallint;",
        "grant insert (stories), update (stories) on app.leads to svc_ingest;",
        "grant select (stories) on app.leads to authenticated;",
        "pipeline.wins(r.stories, i.stories, h.stories, l.stories) as stories",
    ):
        assert statement in migration.text
    migration.write(directory)
    assert plan_migration(directory, (STORIES, *LEAD_FACTS)) is None


def test_the_order_of_the_table_does_not_matter(directory: Path) -> None:
    assert plan_migration(directory, tuple(reversed(LEAD_FACTS))) is None


def test_the_rollback_restores_the_former_function_before_it_drops_the_columns(directory: Path) -> None:
    former = (directory / "0001.lead-facts.sql").read_text()
    rollback = plan(directory, (STORIES, *LEAD_FACTS)).rollback
    function = former[former.index("create or replace function") : former.rindex("$$;\n") + len("$$;\n")]
    assert function in rollback
    assert rollback.index(function) < rollback.index("drop column stories")


def test_a_fact_that_brokers_may_not_see_is_not_granted_to_them(directory: Path) -> None:
    hidden = replace(STORIES, is_shown_to_brokers=False)
    assert "authenticated" not in plan(directory, (hidden, *LEAD_FACTS)).text


def test_a_flag_is_false_until_a_record_says_otherwise(directory: Path) -> None:
    flag = LeadFact("bankrupt", "boolean", ValueFormat(ValueKind.PROHIBITION), MergeRule.STAYS_TRUE)
    text = plan(directory, (*LEAD_FACTS, flag)).text
    assert "alter table app.leads\n  add column bankrupt boolean not null default false;" in text
    assert "l.bankrupt or coalesce(i.bankrupt, false) as bankrupt" in text


def test_a_change_of_headers_or_parsers_needs_no_migration(directory: Path) -> None:
    changed = [replace(fact, headers=(*fact.headers, f"X {fact.name}")) for fact in LEAD_FACTS]
    assert plan_migration(directory, changed) is None


def test_a_change_of_a_type_is_refused_until_a_migration_makes_it(directory: Path) -> None:
    wider = [replace(fact, sql_type="bigint") if fact.name == "building_sqft" else fact for fact in LEAD_FACTS]
    with pytest.raises(TypeChangeError, match="building_sqft is integer in the migrations and bigint in the table"):
        plan_migration(directory, wider)
    by_hand = "alter table app.leads alter column building_sqft type bigint;\n"
    (directory / "0002.wider-areas.sql").write_text(by_hand)
    assert plan_migration(directory, wider) is None


def test_a_removed_fact_leaves_the_function_and_keeps_its_column(directory: Path) -> None:
    migration = plan(directory, [fact for fact in LEAD_FACTS if fact.name != "vacant"])
    assert "vacant" not in migration.text
    assert "drop column" not in migration.text + migration.rollback


def test_a_new_migration_is_the_last_one_although_a_number_before_it_is_free(directory: Path) -> None:
    plan(directory, (STORIES, *LEAD_FACTS)).write(directory)
    last = max(file.name[:4] for file in directory.glob("*.sql"))
    for file in directory.glob("0001.*"):
        file.unlink()
    assert plan(directory, LEAD_FACTS).name.startswith(f"{int(last) + 1:04}.")
