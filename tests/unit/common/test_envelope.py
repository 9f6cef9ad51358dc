"""Reading a message's headers never raises and always yields an id and a time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from common.bus import envelope

HEADER_NAMES = ["ce_id", "ce_time", "ce_durationms", "ec_replay", "ec_replaytime", "traceparent", "other"]


@dataclass
class FakeRecord:
    headers: Any = ()
    topic: str = "ingest.leads"
    partition: int = 3
    offset: int = 41
    timestamp: int = 1_755_799_500_123


@given(
    st.lists(
        st.tuples(
            st.sampled_from(HEADER_NAMES),
            st.none() | st.binary(max_size=40) | st.text().map(lambda t: t.encode("utf-8", "surrogatepass")),
        ),
        max_size=8,
    )
)
def test_any_headers_can_be_read(headers: list[tuple[str, bytes | None]]) -> None:
    read = envelope.read_envelope(FakeRecord(headers), "cluster")
    assert isinstance(read.id, UUID)
    assert read.time.tzinfo is not None
    assert 0 <= read.replay_number <= 32_767


def test_written_headers_are_read_back() -> None:
    time = datetime(2026, 8, 21, 15, 42, 7, 318000, UTC)
    headers = envelope.build_headers(
        id=UUID(int=5), type="funnel.x", source="test", time=time, subject=UUID(int=6), causation_id=UUID(int=7),
        correlation_id="run", duration_ms=12, traceparent="00-1-2-01",
    )  # fmt: skip
    read = envelope.read_envelope(FakeRecord(headers), "cluster")
    assert (read.id, read.time, read.type, read.source) == (UUID(int=5), time, "funnel.x", "test")
    assert (read.subject, read.causation_id, read.correlation_id) == (str(UUID(int=6)), str(UUID(int=7)), "run")
    assert (read.duration_ms, read.traceparent) == (12, "00-1-2-01")


def test_a_message_without_id_gets_a_stable_id_which_differs_in_a_new_topic() -> None:
    first = envelope.read_envelope(FakeRecord(), "cluster").id
    assert envelope.read_envelope(FakeRecord(), "cluster").id == first
    assert envelope.read_envelope(FakeRecord(timestamp=1_755_799_500_124), "cluster").id != first
    assert envelope.read_envelope(FakeRecord(), "another").id != first


def test_an_id_that_is_no_uuid_is_unique_together_with_its_source() -> None:
    ids = {
        envelope.read_envelope(FakeRecord([("ce_id", b"42"), ("ce_source", source)]), "cluster").id
        for source in (b"a", b"b", b"a")
    }
    assert len(ids) == 2


def test_a_time_without_zone_is_utc_and_an_unreadable_time_is_replaced_by_kafkas() -> None:
    assert envelope.read_envelope(FakeRecord([("ce_time", b"2026-01-02T03:04:05")]), "c").time == datetime(
        2026, 1, 2, 3, 4, 5, tzinfo=UTC
    )
    assert envelope.read_envelope(FakeRecord([("ce_time", b"soon")]), "c").time == datetime.fromtimestamp(
        1_755_799_500.123, UTC
    )
