"""Quotes of our campaign emails by every mail client of the sandbox: none is read as an opt-out, and a new "stop" beside one is."""

import json
import re
from collections import Counter
from itertools import product
from typing import Any, get_args
from uuid import uuid4

import aiohttp
import pytest

from common.ids import BrokerId, LeadId
from feeder.campaign_file.reader import DEFAULT_FILE, read_campaign_file
from feeder.campaign_file.rows import CampaignRow, make_campaign_rows
from feeder.campaign_sync.queries import MembershipDetails
from feeder.campaign_sync.template_variables import EmailLinks, build_member
from sandbox.app import Sandbox
from sandbox.vendors.instantly.quoting import MailClient, Placement
from support.replies import RepliesFixture
from support.vendors import CAMPAIGN_SCHEDULE, SandboxClient, run_webhook_listener

LINKS = EmailLinks("https://x.example/consent", "https://x.example/consent/opt-out", b"secret")
FORMS = tuple(product(get_args(MailClient), get_args(Placement), ("both", "text", "html")))


def describe_member(lead: LeadId) -> MembershipDetails:
    """Return the lead as the feeder reads it before the add."""
    return MembershipDetails(
        lead_id=lead, desired="in", attempted_at=None, problem=None, data_key=None, value_ciphertext=None, fallbacks=None,
        owner_first_name="Marjorie", owner_last_name="Holt", property_address="1 Palm Ave", property_city="Dunedin",
        property_state="FL", est_value=412_000, est_equity=300_000, broker_name="Dana Ruiz", persona_name="Carlos",
    )  # fmt: skip


async def create_campaign(client: SandboxClient, row: CampaignRow) -> str:
    """Create the campaign of the shipped file at the sandbox. It goes on after a reply, so that each email can be answered."""
    steps = [
        {"type": "email", "delay": 1, "variants": [{"subject": step["subject"], "body": step["body"]}]}
        for step in row.sequence
    ]
    body = {
        "name": row.name, "campaign_schedule": CAMPAIGN_SCHEDULE, "sequences": [{"steps": steps}],
        "email_list": ["dana@outreach.example"], "stop_on_reply": False,
    }  # fmt: skip
    campaign = str((await client.call_instantly("POST", "/campaigns", body)).json["id"])
    await client.call_instantly("POST", f"/campaigns/{campaign}/activate")
    return campaign


async def reply_from_all_clients(client: SandboxClient, campaign: str, lead: LeadId, email: str, text: str) -> None:
    """Add the lead; then answer each email of the campaign with *text* from every client, in every place and format."""
    member = build_member(describe_member(lead), email, LINKS)
    added = {"email": email, "first_name": member.first_name, "last_name": member.last_name}
    body = {"campaign_id": campaign, "leads": [added | {"custom_variables": dict(member.variables)}]}
    await client.call_instantly("POST", "/leads/add", body)
    for step in range(1, 5):
        await client.call_control_api("POST", "instantly/emails", {"email": email, "step": step})
        for mail_client, placement, parts in FORMS:
            reply = {"email": email, "text": text, "client": mail_client, "placement": placement, "format": parts}
            await client.call_control_api("POST", "instantly/replies", reply)


def _join_lines(text: str) -> str:
    return re.sub(r"[>\s]+", " ", text)


@pytest.mark.parametrize(("text", "is_opt_out"), [("What is this about?", False), ("stop", True)])
async def test_only_the_new_text_beside_a_quote_decides_about_an_opt_out(
    data: RepliesFixture, sandbox: Sandbox, session: aiohttp.ClientSession, text: str, is_opt_out: bool
) -> None:
    row = make_campaign_rows(
        read_campaign_file(DEFAULT_FILE), "1 Test St, Tampa, FL 33602", {"Dana Ruiz": BrokerId(uuid4())}
    )[0]
    client = SandboxClient(sandbox.url, session)
    campaign = await create_campaign(client, row)
    await data.db.execute(
        "insert into app.campaigns (broker_id, name, vendor_campaign_id, sequence) values ($1, $2, $3, $4)",
        data.broker, row.name, campaign, json.dumps([dict(step) for step in row.sequence]),
    )  # fmt: skip
    email = "owner@example.com"
    lead = await data.add_lead(email)
    async with run_webhook_listener() as listener:
        await client.call_instantly(
            "POST", "/webhooks", {"target_hook_url": listener.url, "event_type": "reply_received"}
        )
        await reply_from_all_clients(client, campaign, lead, email, text)
        bodies = [body for _, body in listener.received if body["event_type"] == "reply_received"]
    assert len(bodies) == 4 * len(FORMS)
    assert all("answer STOP" in _join_lines(body.get("reply_text") or body["reply_html"]) for body in bodies)
    async with data.installation.running("replies", replies_poll_seconds=0.5):
        sent = await data.publish(*bodies)
        await data.wait("count(*) = $1 from app.replies where state = 'routed'", len(sent), seconds=120)
    wrong: list[Any] = []
    for event_id, (step, form) in zip(sent, product(range(1, 5), FORMS), strict=True):
        if ((await data.reply(event_id))["route"] == "opt_out") is not is_opt_out:
            wrong.append((step, form))
    assert not wrong, Counter(form[:2] for _, form in wrong)
