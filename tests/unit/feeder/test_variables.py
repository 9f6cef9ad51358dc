"""What is sent of a lead: scalars, links that name it, and nothing that an email would take for markup."""

from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contacts import MissingKeyError
from common.links import lead_link, lead_of
from feeder.settings import FeederSettings
from feeder.variables import Links, new_member, plain

LINKS = Links("https://x.example/consent", "https://x.example/consent/opt-out", b"secret")
LEAD = {
    "lead_id": uuid4(), "owner_first_name": "<b>Mar{{x}}jorie</b>", "owner_last_name": None, "property_address": "1 Palm Ave",
    "property_city": "Dunedin", "property_state": "FL", "est_value": 412_000, "est_equity": None, "broker_name": "Dana",
    "persona_name": "Carlos",
}  # fmt: skip


def test_variables_are_scalars_with_the_lead_and_its_links() -> None:
    sent = new_member(LEAD, "a@example.com", LINKS).as_json()
    variables = sent["custom_variables"]
    assert all(value is None or isinstance(value, str | int | float | bool) for value in variables.values())
    assert variables["lead_id"] == str(LEAD["lead_id"])
    for name in ("consent_link", "opt_out_link"):
        token = parse_qs(urlsplit(variables[name]).query)["l"][0]
        assert lead_of(token, b"secret") == LEAD["lead_id"]


def test_markup_is_taken_out_of_what_came_from_outside() -> None:
    assert new_member(LEAD, "a@example.com", LINKS).first_name == "b Mar x jorie /b"
    assert plain(None) is None


@given(st.uuids(), st.binary(min_size=1, max_size=40), st.text(max_size=60))
def test_a_link_names_its_lead_to_who_has_the_secret_and_to_nobody_else(lead: UUID, secret: bytes, other: str) -> None:
    token = lead_link("https://x.example/?a=b", secret, lead).rpartition("&l=")[2]
    assert lead_of(token, secret) == lead
    assert lead_of(token, secret + b"x") is None
    assert lead_of(other, secret) is None


def test_without_a_secret_there_are_no_links() -> None:
    with pytest.raises(MissingKeyError, match="FORM_LINK_SECRET"):
        Links.of(FeederSettings(form_link_secret=None))
