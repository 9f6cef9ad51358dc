"""The feeder's part of `equity status` and `equity doctor`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cli.diagnostics import Finding, Matter, ServiceDiagnostics, StatusSection
from common.calendar.business_date import business_date
from common.database import Connection
from common.pii.keyring import MissingKeyError
from common.vendors.errors import VendorCallError
from common.vendors.http_client import VendorHttpClient, VendorHttpRequest
from common.vendors.instantly import INSTANTLY, read_response
from common.vendors.public_urls import is_sandbox_url, url_problem
from feeder import command_queries, queries
from feeder.campaign_sync.link_check import LinkCheck, Network
from feeder.campaign_sync.template_variables import EmailLinks
from feeder.command_queries import SlotsOfDay
from feeder.settings import FeederSettings

DAYS_SEARCHED = 14
MIN_SECRET_BYTES = 16
"""Shortest secret that cannot be guessed."""
UNWANTED_MEMBER_SECONDS = 600
"""Age from which `equity status` names them. The alert `SuppressedInCampaign` fires after a minute."""
_COLUMNS = {"broker": "broker", "local_date": "day", "fed": "fed", "daily_limit": "limit", "ended": "ended",
            "returned": "returned", "skipped": "skipped"}  # fmt: skip


async def report_status(connection: Connection, now: datetime) -> Sequence[StatusSection]:
    """Return the last feed of each broker, and members that must leave a campaign and did not for too long."""
    today = business_date(now)
    slots = await command_queries.list_feed_slots(connection, today=today, days=DAYS_SEARCHED, broker_id=None)
    unwanted = await queries.count_unwanted_members(connection)
    matters = []
    if unwanted.oldest_seconds > UNWANTED_MEMBER_SECONDS:
        text = f"leads in a campaign that must get no more emails: {unwanted.members:,}"
        matters.append(Matter(text, "docs/runbooks/suppressed-in-campaign.md"))
    nothing = f"no lead was fed in {DAYS_SEARCHED} days"
    return [StatusSection("last feed", _describe_last_feeds(slots), _COLUMNS, nothing, matters)]


def _describe_last_feeds(slots: Sequence[SlotsOfDay]) -> list[dict[str, Any]]:
    """Return the newest day of each broker; *slots* are sorted, the newest day first."""
    last: dict[str, SlotsOfDay] = {}
    for row in slots:
        last.setdefault(row.broker, row)
    return [_describe_feed(row) for row in last.values()]


def _describe_feed(row: SlotsOfDay) -> dict[str, Any]:
    fed = row.added + row.reserved
    is_full = fed >= row.daily_limit
    return {
        "broker": row.broker,
        "local_date": row.local_date,
        "fed": fed,
        "daily_limit": row.daily_limit,
        "ended": "limit reached" if is_full else "below the limit",
        "returned": row.returned,
        "skipped": row.skipped,
    }


def check_settings(settings: FeederSettings) -> list[Finding]:
    """Return whether Instantly's key is set, and whether the links in emails can be public."""
    if settings.instantly_api_key is None:
        text = "INSTANTLY_API_KEY is not set, so no lead reaches Instantly"
        return [Finding.warning("vendors", text, "Set it where the feeder runs: docs/vendors/instantly.md.")]
    key = Finding.ok("vendors", f"Instantly: the key is set, at {settings.instantly_base_url}")
    try:
        links = EmailLinks.from_settings(settings)
    except MissingKeyError:
        return [key, Finding.problem("links", "FORM_LINK_SECRET is not set", "Set it: it signs the links in emails.")]
    findings = [key]
    if len(links.secret) < MIN_SECRET_BYTES:
        advice = (
            "Set 64 hex digits, as `openssl rand -hex 32` prints them. Links in earlier emails end with the change."
        )
        findings.append(Finding.warning("keys", f"FORM_LINK_SECRET is shorter than {MIN_SECRET_BYTES} bytes", advice))
    named = {"CONSENT_FORM_URL": links.consent_url, "OPT_OUT_URL": links.opt_out_url}
    return findings + [_check_link(name, url, settings) for name, url in named.items()]


def _check_link(name: str, url: str, settings: FeederSettings) -> Finding:
    """Return whether *url* can be a link in an email. At the sandbox no person gets an email, so any link will do."""
    problem = url_problem(url)
    if problem and is_sandbox_url(settings.instantly_base_url):
        return Finding.ok("links", f"{name} {problem}, which is enough for the sandbox")
    if problem:
        advice = f"Set {name} to a public https page: docs/runbooks/dead-links.md. No lead is fed before that."
        return Finding.problem("links", f"{name} {problem}", advice)
    return Finding.ok("links", f"{name} is a public https address")


async def check_vendors(settings: FeederSettings) -> list[Finding]:
    """Return whether Instantly accepts the key, and whether the links in emails answer."""
    if settings.instantly_api_key is None:
        return []
    findings = [await _ask_instantly(settings, settings.instantly_api_key.get_secret_value())]
    if settings.form_link_secret:
        problem = await LinkCheck(settings, EmailLinks.from_settings(settings), Network()).find_problem()
        page = "docs/runbooks/dead-links.md"
        findings.append(Finding.problem("links", problem, page) if problem else Finding.ok("links", "they answer"))
    return findings


async def _ask_instantly(settings: FeederSettings, key: str) -> Finding:
    """Read one campaign of the workspace, outside the rate limiter: it is a single call of a person."""
    client = VendorHttpClient(settings.instantly_timeout_seconds)
    url = f"{settings.instantly_base_url.rstrip('/')}/api/v2/campaigns?limit=1"
    request = VendorHttpRequest(
        INSTANTLY, "GET /campaigns", url, headers={"Authorization": f"Bearer {key}"}, method="GET"
    )
    await client.start()
    try:
        read_response(await client.send_request(request))
    except VendorCallError as error:
        return Finding.problem("vendors", f"Instantly: {error}", "docs/runbooks/provider-outage.md#instantly")
    finally:
        await client.stop()
    return Finding.ok("vendors", "Instantly accepts the key")


DIAGNOSTICS = ServiceDiagnostics(FeederSettings, report_status, check_settings, check_vendors=check_vendors)
