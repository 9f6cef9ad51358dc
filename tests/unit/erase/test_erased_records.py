"""Which records belong to an erased person: by the home or a contact, and by the name."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import LeadId
from common.pii.erased_hashes import find_last_names, hash_home, hash_owner_words
from common.records.addresses.normal_form import FORM_VERSION
from ingest.leads.erased_records import Erasure, RecordHashes, find_erasure_of
from ingest.leads.lead_row import LeadRow
from ingest.prepare import PreparedRecord
from support.feeding import KEYS

ID = UUID(int=7)
HOME = hash_home(KEYS, "8034512097", "12103|152700", b"\x00\x00\x00\x03address")
PHONE = KEYS.hash_contact("+17275550142")
ERASED = {"owner_first_name": "Marjorie", "owner_last_name": "Holt", "owner2_last_name": "Baker", "company_name": None}
NAMES = st.sampled_from(["Holt", "HOLT", "Holt Jr", "Holt-Baker", "Baker", "Holt Trust", "María Holt"])


def make_erasure(**owner: Any) -> dict[UUID, Erasure]:
    words = hash_owner_words(KEYS, ID, find_last_names(owner))
    return {ID: Erasure(LeadId(ID), set(HOME), {PHONE}, words)}


def belongs(
    owner: dict[str, Any],
    *,
    home: int = 1,
    contact: bool = False,
    is_home_held: bool = False,
    erasures: dict[UUID, Erasure] | None = None,
) -> bool:
    """Return whether a record with *home* keys of the erased home belongs to the erased person."""
    cause: Any = None
    record = PreparedRecord(cause, LeadRow(LeadId(UUID(int=1)), 0, "t", owner, {}), [], KEYS.create_data_key(ID)[0], [])
    hashes = RecordHashes(frozenset(HOME[:home]), frozenset([PHONE] if contact else []))
    found = find_erasure_of(record, hashes, erasures or make_erasure(**ERASED), KEYS, is_home_held=is_home_held)
    return found == ID


@given(
    NAMES, st.sampled_from(["owner_last_name", "owner2_last_name", "company_name", "owner_first_name"]), st.booleans()
)
def test_a_last_name_anywhere_in_the_record_and_the_home_or_a_contact_belong_to_the_person(
    name: str, field: str, at_home: bool
) -> None:
    assert belongs({field: name, "owner_first_name": "X"} | {field: name}, home=int(at_home), contact=not at_home)


@pytest.mark.parametrize(
    "owner", [{"owner_last_name": "Reyes"}, {"owner_first_name": "Marjorie", "owner_last_name": "Lee"}]
)
def test_another_name_is_a_new_owner(owner: dict[str, Any]) -> None:
    assert not belongs(owner, contact=True)


def test_the_name_alone_is_a_namesake() -> None:
    assert not belongs({"owner_last_name": "Holt"}, home=0)


def test_a_record_without_a_name_belongs_to_the_erased_owner_until_a_lead_has_the_home() -> None:
    assert belongs({})
    assert not belongs({}, is_home_held=True)
    assert not belongs({}, home=0, contact=True), "only its contact is left out"


def test_every_record_of_a_home_whose_erased_owner_had_no_name_is_refused() -> None:
    nameless = make_erasure()
    assert belongs({"owner_last_name": "Reyes"}, erasures=nameless)
    assert not belongs({"owner_last_name": "Reyes"}, home=0, contact=True, erasures=nameless)


def test_hashes_of_one_name_differ_between_erasures() -> None:
    assert hash_owner_words(KEYS, ID, ["HOLT"]).isdisjoint(hash_owner_words(KEYS, UUID(int=8), ["HOLT"]))


def test_a_new_form_of_addresses_needs_the_hashes_of_the_form_before_it() -> None:
    """Erased homes have no address from which another hash could be computed (docs/adr/0053)."""
    assert FORM_VERSION == 3, "compare records with erasures by the hashes of both forms, then raise this number"
