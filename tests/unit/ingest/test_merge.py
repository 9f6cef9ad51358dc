"""Records of one home in a batch become one; a mixed-up row does not join two homes."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import LeadId
from common.pii.owner_words import owners_of, share_an_owner
from ingest.leads.home_matching import MAX_KEY_VARIANTS
from ingest.leads.lead_row import LeadRow, observation_stamp
from ingest.leads.merge import find_lost_keys, merge_records


def row(number: int = 0, stamp: int = 100, mak: str | None = None, **facts: Any) -> LeadRow:
    return LeadRow(LeadId(UUID(int=number + 1)), stamp, "upstream", facts, {}, mak)


def homes(*rows: LeadRow) -> list[list[int]]:
    return [merged.members for merged in merge_records(rows)]


def test_rows_join_over_any_key_they_share() -> None:
    assert homes(row(mak="1"), row(mak="1")) == [[0, 1]]
    assert homes(row(mak="1", apn_key="a"), row(apn_key="a"), row(addr_hash=b"h")) == [
        [0, 1],
        [2],
    ]
    assert homes(row(mak="1", apn_key="a"), row(apn_key="a", addr_hash=b"h"), row(addr_hash=b"h")) == [[0, 1, 2]]


def test_a_weaker_key_never_joins_rows_whose_stronger_keys_differ() -> None:
    assert homes(row(mak="1", apn_key="a"), row(mak="2", apn_key="a")) == [[0], [1]]
    assert homes(row(apn_key="a", addr_hash=b"h"), row(apn_key="b", addr_hash=b"h")) == [[0], [1]]
    assert len(homes(row(mak="1", addr_hash=b"h"), row(addr_hash=b"h", apn_key="a"), row(mak="2", apn_key="a"))) == 2


def test_the_later_observation_wins_and_an_empty_value_never_does() -> None:
    [merged] = merge_records([row(0, 100, "1", est_value=1, county="A"), row(1, 200, "1", est_value=2, county=None)])
    assert (merged.row.facts["est_value"], merged.row.facts["county"]) == (2, "A")
    assert merged.added_facts == [True, True]


def test_a_row_without_new_facts_adds_nothing() -> None:
    [merged] = merge_records(
        [row(0, 100, "1", est_value=1), row(1, 100, "1", est_value=1), row(2, 90, "1", est_value=7)]
    )
    assert merged.added_facts == [True, False, False]


def test_flags_stay_true() -> None:
    dead = LeadRow(LeadId(UUID(int=9)), 10, "upstream", {}, {"deceased_owner": True}, "1")
    [merged] = merge_records([row(0, 100, "1"), dead])
    assert merged.row.flags["deceased_owner"]


def test_rows_of_one_home_with_different_keys_go_to_the_database_one_by_one() -> None:
    rows = [row(0, 100, "1", apn_key="a"), row(1, 200, "1", apn_key="b"), row(2, 300, "1", apn_key="a")]
    assert homes(*rows) == [[0, 2], [1]]


def test_beyond_the_limit_of_variants_a_lost_key_is_reported() -> None:
    rows = [row(n, 100 + n, "1", apn_key=f"a{n:02}") for n in range(MAX_KEY_VARIANTS + 2)]
    *_, last = merge_records(rows)
    assert last.members == [7, 8, 9]
    assert find_lost_keys(rows, last.row) == [("apn_key", f"a{n:02}") for n in range(9)]


def test_stamps_grow_with_the_day_and_then_with_the_source() -> None:
    assert (
        observation_stamp(738_000, "propstream")
        < observation_stamp(738_000, "batchdata")
        < observation_stamp(738_001, "propstream")
    )


HOMES = st.lists(
    st.tuples(st.integers(0, 3), st.booleans(), st.booleans(), st.integers(1, 5), st.none() | st.integers(0, 3)),
    max_size=12,
)


@given(HOMES, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_homes_when_rows_agree_on_their_strongest_key(drawn: list[Any], random: Any) -> None:
    rows = [
        row(
            n,
            stamp,
            str(home),
            apn_key=f"a{home}" if apn else None,
            addr_hash=bytes([home]) if addr else None,
            est_value=value,
        )
        for n, (home, apn, addr, stamp, value) in enumerate(drawn)
    ]
    shuffled = list(rows)
    random.shuffle(shuffled)

    def shape(found: list[Any]) -> dict[str | None, Any]:
        return {merged.row.mak: {k: v for k, v in merged.row.facts.items() if v is not None} for merged in found}

    assert shape(merge_records(rows)) == shape(merge_records(shuffled))
    assert len(merge_records(rows)) == len({drawn_row[0] for drawn_row in drawn})


HOLT: dict[str, Any] = {"owner_last_name": "Holt", "owner_first_name": "Ann"}
RUIZ: dict[str, Any] = {"owner_last_name": "Ruiz", "owner_first_name": "Leo"}


def test_a_parcel_number_at_two_addresses_with_two_owners_does_not_join() -> None:
    first_address: dict[str, Any] = {"apn_key": "a", "addr_hash": b"h"}
    second_address: dict[str, Any] = {"apn_key": "a", "addr_hash": b"g"}
    assert homes(row(**first_address, **HOLT), row(**second_address, **RUIZ)) == [[0], [1]]
    assert len(homes(row(**first_address), row(**second_address, **RUIZ))) == 2
    assert len(homes(row(**first_address), row(**second_address))) == 2
    assert homes(row(**first_address, **HOLT), row(**first_address, **RUIZ)) == [[0, 1]]
    assert homes(row(apn_key="a", **HOLT), row(**second_address, **RUIZ)) == [[0, 1]]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (HOLT, {"owner_last_name": "HOLT", "owner_first_name": "Ann M"}, True), (HOLT, {"owner_last_name": "Holt"}, True),
        (HOLT, {"owner_last_name": "Holt", "owner_first_name": "Bea"}, False),
        (HOLT, {"owner2_last_name": "Holt", "owner2_first_name": "Ann"}, True),
        ({"company_name": "Oak Homes, LLC"}, {"company_name": "OAK HOMES"}, True), ({"company_name": "Oak Homes"}, HOLT, False),
        ({"owner_last_name": "Nuñez"}, {"owner_last_name": "NUNEZ"}, True), ({"owner_first_name": "Ann"}, HOLT, False),
        ({"owner_last_name": "O'Neil"}, {"owner_last_name": "ONEIL"}, True), ({}, {}, False),
    ],
)  # fmt: skip
def test_owners_are_compared_by_the_words_of_their_names(
    first: dict[str, str], second: dict[str, str], same: bool
) -> None:
    assert share_an_owner(owners_of(first), owners_of(second)) is same


def test_a_mixed_up_row_goes_after_the_home_whose_only_parcel_number_it_claims() -> None:
    mixed, neighbour, own = (
        row(0, 300, "1", apn_key="n"),
        row(1, 100, "2", apn_key="n"),
        row(2, 100, "1", apn_key="o"),
    )
    assert homes(mixed, neighbour, own) == [[2], [1], [0]] or homes(mixed, neighbour, own) == [
        [1],
        [2],
        [0],
    ]


PARCELS = st.lists(
    st.tuples(
        st.sampled_from("hgf"), st.sampled_from([HOLT, RUIZ, {}]), st.integers(1, 3), st.sampled_from(["a", "b"])
    ),
    max_size=9,
)


@given(PARCELS, st.randoms(use_true_random=False))
def test_homes_of_contested_parcel_numbers_do_not_depend_on_the_order(drawn: list[Any], random: Any) -> None:
    rows = [
        row(n, stamp, apn_key=apn, addr_hash=address.encode(), apn=f"{apn}{stamp}", **owner)
        for n, (address, owner, stamp, apn) in enumerate(drawn)
    ]
    shuffled = list(rows)
    random.shuffle(shuffled)

    def shape(found: list[Any]) -> list[Any]:
        return sorted(sorted((k, str(v)) for k, v in merged.row.facts.items() if v is not None) for merged in found)

    assert shape(merge_records(rows)) == shape(merge_records(shuffled))


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.none() | st.sampled_from("ab"), st.none() | st.sampled_from("cd"), st.none() | st.sampled_from("ef")),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_a_key_and_the_values_shown_for_it_come_from_one_record(drawn: list[Any]) -> None:
    rows = [row(n, s, "1", apn_key=key, apn=apn, fips=fips, county=apn) for n, (s, key, apn, fips) in enumerate(drawn)]
    pairs = [
        {(one.facts["apn_key"], one.facts["apn"]) for one in rows},
        {(one.facts["fips"], one.facts["county"]) for one in rows},
    ]
    for merged in merge_records(rows):
        assert (merged.row.facts["apn_key"], merged.row.facts["apn"]) in pairs[0]
        assert (merged.row.facts["fips"], merged.row.facts["county"]) in pairs[1]


@given(HOMES)
def test_every_row_is_in_exactly_one_home(drawn: list[Any]) -> None:
    rows = [
        row(
            n,
            stamp,
            str(home) if apn else None,
            apn_key=f"a{value}" if value is not None else None,
            addr_hash=bytes([home]) if addr else None,
        )
        for n, (home, apn, addr, stamp, value) in enumerate(drawn)
    ]
    assert sorted(place for merged in merge_records(rows) for place in merged.members) == list(range(len(rows)))
