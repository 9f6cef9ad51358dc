"""The table of lead facts is consistent: names, headers, types and groups."""

import re

import pytest

from common.compliance.protective_columns import protection_of
from common.lead_facts import FACT_GROUPS, LEAD_FACTS, REQUIRED_FIELDS, LeadFact, MergeRule, ValueKind
from common.records.headers import meaning_of_header

TYPES_OF_KINDS = {
    ValueKind.COUNT: {"smallint", "integer", "bigint"},
    ValueKind.AREA: {"smallint", "integer", "bigint"},
    ValueKind.MONEY: {"integer", "bigint"},
    ValueKind.YEAR_BUILT: {"smallint"},
    ValueKind.DECIMAL: {"numeric(5,2)", "numeric(7,2)"},
    ValueKind.YES_OR_NO: {"boolean"},
    ValueKind.PROHIBITION: {"boolean"},
    ValueKind.PAST_DATE: {"date"},
    ValueKind.TEXT: {"text"},
    ValueKind.TEXT_AS_WRITTEN: {"text"},
    ValueKind.ZIP_CODE: {"text"},
}
LARGEST_OF_TYPE = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1, "numeric(5,2)": 999}

each_fact = pytest.mark.parametrize("fact", LEAD_FACTS, ids=lambda fact: fact.name)


def test_no_two_facts_have_one_name() -> None:
    names = [fact.name for fact in LEAD_FACTS]
    assert len(set(names)) == len(names)


@each_fact
def test_a_name_is_a_column_and_a_field(fact: LeadFact) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", fact.name)


@each_fact
def test_each_header_of_a_fact_is_read_as_this_fact(fact: LeadFact) -> None:
    """A header that two facts list would be read as the first of them. A protective header has no precedence."""
    for rank, header in enumerate(fact.headers):
        found = meaning_of_header(header)
        assert found is not None
        assert found.field == fact.name
        assert found.rank == rank or protection_of(header) is not None


@each_fact
def test_the_type_of_a_column_takes_the_values_of_its_parser(fact: LeadFact) -> None:
    assert fact.sql_type in TYPES_OF_KINDS.get(fact.value.kind, {fact.sql_type})
    assert max(abs(fact.value.minimum), abs(fact.value.maximum)) <= LARGEST_OF_TYPE.get(fact.sql_type, 0)
    assert fact.value.minimum <= fact.value.maximum


@each_fact
def test_only_a_flag_that_forbids_contact_stays_true(fact: LeadFact) -> None:
    assert (fact.merge in (MergeRule.STAYS_TRUE, MergeRule.NOT_STORED)) is (fact.value.kind is ValueKind.PROHIBITION)


def test_each_group_begins_with_its_key() -> None:
    assert [names[0] for names in FACT_GROUPS.values()] == ["apn_key", "addr_hash", "fips"]


def test_each_required_field_has_a_usual_header() -> None:
    facts = {fact.name: fact for fact in LEAD_FACTS}
    assert all(facts[name].headers for name in REQUIRED_FIELDS)
