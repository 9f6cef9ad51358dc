"""Ids are those of the standard library, whatever class builds them."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from common import ids
from common.events import DedupeSuccess

NAMESPACE = UUID(bytes=ids.NAMESPACE)


@given(st.text(max_size=20), st.uuids())
def test_a_named_id_is_the_uuid_5_of_its_names(name: str, other: UUID) -> None:
    assert ids.named_id(name, other) == uuid5(NAMESPACE, f"{name}\x1f{other}")


@given(st.uuids(), st.integers(1, 2**31 - 1))
def test_the_id_of_a_row_is_named_after_upload_and_row(upload: UUID, row: int) -> None:
    assert ids.upload_row_id(upload, row) == ids.named_id("upload", upload, row)


SPELLINGS = st.one_of(
    st.text(max_size=40),
    st.builds(
        lambda one, form: form(one),
        st.uuids(),
        st.sampled_from(
            [str, lambda one: one.hex, lambda one: f"{{{one}}}", lambda one: one.urn, lambda one: str(one)[1:]]
        ),
    ),
    st.text("0123456789abcdefABCDEF-{}", min_size=30, max_size=40),
)


@given(SPELLINGS)
def test_an_id_is_read_as_the_standard_library_reads_it(text: str) -> None:
    def read(parse: object) -> UUID | None:
        try:
            return parse(text)  # type: ignore[operator, no-any-return]
        except ValueError:
            return None

    assert read(ids.parse_id) == read(UUID)


def test_new_ids_sort_by_time() -> None:
    made = [ids.new_id() for _ in range(100)]
    assert made == sorted(made)
    assert {one.version for one in made} == {7}


def test_an_event_with_an_id_is_read_back() -> None:
    event = DedupeSuccess(lead_id=ids.new_id(), outcome="inserted", score=1)
    assert DedupeSuccess.model_validate_json(event.model_dump_json()) == event
