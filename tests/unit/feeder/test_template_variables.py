"""Values that are sent for a lead: scalars, links that name it, and no text that an email would read as markup."""

import html
import unicodedata
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.compliance.links import build_lead_link, read_lead_link
from common.ids import LeadId
from common.pii.keyring import MissingKeyError
from common.vendors.text import plain_text
from feeder.campaign_sync.queries import MembershipDetails
from feeder.campaign_sync.template_variables import EmailLinks, build_member
from feeder.settings import FeederSettings

LINKS = EmailLinks("https://x.example/consent", "https://x.example/consent/opt-out", b"secret")
LEAD = MembershipDetails(
    lead_id=LeadId(uuid4()), desired="in", attempted_at=None, problem=None, data_key=None, value_ciphertext=None,
    fallbacks=None, owner_first_name="<b>Mar{{x}}jorie</b>", owner_last_name=None, property_address="1 Palm Ave",
    property_city="Dunedin", property_state="FL", est_value=412_000, est_equity=None, broker_name="Dana",
    persona_name="Carlos",
)  # fmt: skip


def test_variables_are_scalars_with_the_lead_and_its_links() -> None:
    sent = build_member(LEAD, "a@example.com", LINKS).to_json()
    variables = sent["custom_variables"]
    assert all(value is None or isinstance(value, str | int | float | bool) for value in variables.values())
    assert variables["lead_id"] == str(LEAD.lead_id)
    for name in ("consent_link", "opt_out_link"):
        token = parse_qs(urlsplit(variables[name]).query)["l"][0]
        assert read_lead_link(token, b"secret") == LEAD.lead_id


SYNTAX = set("<>{}[]|\\^`~$%*")
HOSTILE = st.text(max_size=60) | st.lists(
    st.sampled_from(["{{x}}", "{%", "%}", "{a|b}", "<script>", "&lt;", "&#60;", "${x}", "[[y]]", "*|Z|*", "\uff1c", "\ufe5b", "Mary",
                     "https://evil.example/x", "a@b.com", "\u202e", "\n", "\x00", "amp;", "&"]),
    max_size=6,
).map("".join)  # fmt: skip
TEXTS = ("owner_first_name", "owner_last_name", "property_address", "property_city", "property_state", "broker_name",
         "persona_name")  # fmt: skip


@given(st.fixed_dictionaries({name: st.none() | HOSTILE for name in TEXTS}), st.none() | HOSTILE)
def test_no_sent_value_contains_markup_or_template_syntax(texts: dict[str, Any], fallback: str | None) -> None:
    fallbacks = None if fallback is None else orjson.dumps({"firstName": fallback, "property_city": fallback}).decode()
    sent = build_member(replace(LEAD, **texts, fallbacks=fallbacks), "a@example.com", LINKS).to_json()
    for name, value in ({**sent, **sent["custom_variables"]}).items():
        if isinstance(value, str) and not name.endswith("_link") and name != "email":
            assert SYNTAX.isdisjoint(unicodedata.normalize("NFKC", value)), (name, value)
            assert html.unescape(value) == value
            assert value.isprintable()
            assert value == " ".join(value.split())


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "#N/A",
        "Unknown Owner",
        "J.",
        "{{first}}",
        "<b>Mar{{x}}jorie</b>",
        "Estate of Marjorie",
        "x@example.com",
    ],
)
def test_an_owner_without_a_plausible_first_name_is_greeted_with_the_fallback(name: str | None) -> None:
    lead = replace(LEAD, owner_first_name=name)
    assert build_member(lead, "a@example.com", LINKS).first_name == "there"
    lead = replace(lead, fallbacks='{"firstName": "neighbor"}')
    assert build_member(lead, "a@example.com", LINKS).first_name == "neighbor"


def test_a_placeholder_without_a_value_gets_its_fallback_and_a_value_stays() -> None:
    lead = replace(LEAD, fallbacks='{"est_equity": "a good part", "est_value": "much", "lastName": "Homeowner"}')
    sent = build_member(lead, "a@example.com", LINKS)
    assert (sent.variables["est_equity"], sent.variables["est_value"], sent.last_name) == (
        "a good part",
        412_000,
        "Homeowner",
    )


def test_links_and_emails_are_removed_from_a_files_values_but_not_from_the_brokers_name() -> None:
    lead = replace(LEAD, property_city="Tampa see evil.com/x or a@b.org", broker_name="Dana of Loans.com")
    sent = build_member(lead, "a@example.com", LINKS).variables
    assert (sent["property_city"], sent["broker_name"]) == ("Tampa see or", "Dana of Loans.com")
    assert plain_text(None) is None


@given(st.uuids(), st.binary(min_size=1, max_size=40), st.text(max_size=60))
def test_only_the_secret_reads_the_lead_from_a_link(lead: UUID, secret: bytes, other: str) -> None:
    token = build_lead_link("https://x.example/?a=b", secret, lead).rpartition("&l=")[2]
    assert read_lead_link(token, secret) == lead
    assert read_lead_link(token, secret + b"x") is None
    assert read_lead_link(other, secret) is None


def test_without_a_secret_there_are_no_links() -> None:
    with pytest.raises(MissingKeyError, match="FORM_LINK_SECRET"):
        EmailLinks.from_settings(FeederSettings(form_link_secret=None))
