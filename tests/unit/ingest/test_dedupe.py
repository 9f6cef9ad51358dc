"""Records of one home in a batch become one; a mixed-up row does not fuse two homes."""

from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from ingest.dedupe import FACTS, LeadRow, group, keys_lost, stamp_of


def row(number: int = 0, stamp: int = 100, mak: str | None = None, **facts: Any) -> LeadRow:
    return LeadRow(UUID(int=number + 1), stamp, "upstream", facts, {}, mak)


def homes(*rows: LeadRow) -> list[list[int]]:
    return [merged.members for merged in group(rows)]


def test_rows_join_over_any_key_they_share() -> None:
    assert homes(row(mak="1"), row(mak="1")) == [[0, 1]]
    assert homes(row(mak="1", apn_key="a"), row(apn_key="a"), row(addr_hash=b"h")) == [[0, 1], [2]]
    assert homes(row(mak="1", apn_key="a"), row(apn_key="a", addr_hash=b"h"), row(addr_hash=b"h")) == [[0, 1, 2]]


def test_a_weaker_key_never_joins_rows_whose_stronger_keys_differ() -> None:
    assert homes(row(mak="1", apn_key="a"), row(mak="2", apn_key="a")) == [[0], [1]]
    assert homes(row(apn_key="a", addr_hash=b"h"), row(apn_key="b", addr_hash=b"h")) == [[0], [1]]
    assert len(homes(row(mak="1", addr_hash=b"h"), row(addr_hash=b"h", apn_key="a"), row(mak="2", apn_key="a"))) == 2


def test_the_later_observation_wins_and_the_empty_never_does() -> None:
    [merged] = group([row(0, 100, "1", est_value=1, county="A"), row(1, 200, "1", est_value=2, county=None)])
    assert (merged.row.facts["est_value"], merged.row.facts["county"]) == (2, "A")
    assert merged.said_more == [True, True]


def test_a_row_that_says_nothing_new_is_a_repeat() -> None:
    [merged] = group([row(0, 100, "1", est_value=1), row(1, 100, "1", est_value=1), row(2, 90, "1", est_value=7)])
    assert merged.said_more == [True, False, False]


def test_flags_stay_true() -> None:
    dead = LeadRow(UUID(int=9), 10, "upstream", {}, {"deceased_owner": True}, "1")
    [merged] = group([row(0, 100, "1"), dead])
    assert merged.row.flags["deceased_owner"]


def test_a_key_that_loses_is_named() -> None:
    rows = [row(0, 100, "1", apn_key="a"), row(1, 200, "1", apn_key="b")]
    [merged] = group(rows)
    assert keys_lost(rows, merged.row) == [("apn_key", "a")]


def test_a_row_has_the_columns_of_the_staging_type() -> None:
    assert len(row(mak="1").as_record(1)) == 14 + len(FACTS) + 3 + 4


def test_stamps_grow_with_the_day_and_then_with_the_source() -> None:
    assert stamp_of(738_000, "propstream") < stamp_of(738_000, "batchdata") < stamp_of(738_001, "propstream")


HOMES = st.lists(
    st.tuples(st.integers(0, 3), st.booleans(), st.booleans(), st.integers(1, 5), st.none() | st.integers(0, 3)),
    max_size=12,
)


@given(HOMES, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_homes_when_rows_agree_on_their_strongest_key(drawn: list[Any], chance: Any) -> None:
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
    chance.shuffle(shuffled)

    def shape(found: list[Any]) -> dict[str | None, Any]:
        return {merged.row.mak: {k: v for k, v in merged.row.facts.items() if v is not None} for merged in found}

    assert shape(group(rows)) == shape(group(shuffled))
    assert len(group(rows)) == len({drawn_row[0] for drawn_row in drawn})


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
    assert sorted(place for merged in group(rows) for place in merged.members) == list(range(len(rows)))
