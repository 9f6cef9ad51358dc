"""Shipped emails: each email of each persona reads well for any owner and any known facts of the home."""

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
import pytest
import yaml

from common.ids import BrokerId, LeadId
from feeder.campaign_file.model import CampaignFile
from feeder.campaign_file.reader import DEFAULT_FILE, read_campaign_file
from feeder.campaign_file.rows import make_campaign_rows
from feeder.campaign_sync.queries import MembershipDetails
from feeder.campaign_sync.template_variables import EmailLinks, build_member

LINKS = EmailLinks("https://x.example/consent", "https://x.example/consent/opt-out", b"secret")
LEAD = MembershipDetails(
    lead_id=LeadId(uuid4()), desired="in", attempted_at=None, problem=None, data_key=None, value_ciphertext=None,
    fallbacks=None, owner_first_name="Marjorie", owner_last_name="Holt", property_address="1 Palm Ave",
    property_city="Dunedin", property_state="FL", est_value=412_000, est_equity=300_000, broker_name="Dana Ruiz",
    persona_name="Carlos",
)  # fmt: skip
BARE: dict[str, Any] = dict.fromkeys(("owner_first_name", "owner_last_name", "est_value", "est_equity"))
BROKERS = {"Dana Ruiz": BrokerId(uuid4())}
ROWS = make_campaign_rows(read_campaign_file(DEFAULT_FILE), "1 Test Street, Tampa, FL 33602", BROKERS)


def render(text: str, lead: MembershipDetails) -> str:
    """Return *text* as a recipient reads it: placeholders without a value are empty, as at Instantly."""
    sent = build_member(lead, "a@example.com", LINKS)
    values = {"firstName": sent.first_name, "lastName": sent.last_name, **sent.variables}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: str(values[found[1]] or ""), text)


@pytest.mark.parametrize(
    ("owner", "greeted"),
    [({}, "Hello Marjorie,"), ({"owner_first_name": "MARY ANN"}, "Hello Mary Ann,"), (BARE, "Hello there,"),
     ({"owner_first_name": "#N/A", "owner_last_name": "{{x}}"}, "Hello there,"),
     ({"owner_first_name": "Jose & Maria"}, "Hello Jose and Maria,")],
)  # fmt: skip
def test_every_email_reads_well(owner: dict[str, Any], greeted: str) -> None:
    assert len(ROWS) == 45
    for row in ROWS:
        lead = replace(LEAD, **owner, fallbacks=orjson.dumps(row.settings["fallbacks"]).decode())
        for step in row.sequence:
            body, subject = render(step["body"], lead), render(step["subject"], lead)
            assert body.startswith(greeted + "<br/>")
            for text in (body, subject):
                assert not re.search(r"[{}$]|\s[,.;:!?]|  |None|null", text), text
                assert not re.search(r"(?:^|<br/>)[,.;:]", text), text
            prose = body.replace("<br/>", " ")
            assert not re.search(r"\b(?:in|at|about|for|talk to)\s*(?:[,.:]|$)", prose), prose
            assert not subject.endswith((" at", " about", " in"))


def test_a_campaign_files_own_fallback_greets_owners_without_a_first_name() -> None:
    text = DEFAULT_FILE.read_text().replace("Hello {{firstName}},", "Dear {{firstName | neighbor}},")
    file = CampaignFile.model_validate(yaml.safe_load(text))
    row = make_campaign_rows(file, "1 Test Street", BROKERS)[0]
    assert row.sequence[0]["body"].startswith("Dear {{firstName}},<br/>")
    lead = replace(LEAD, **BARE, fallbacks=orjson.dumps(row.settings["fallbacks"]).decode())
    assert render(row.sequence[0]["body"], lead).startswith("Dear neighbor,")
