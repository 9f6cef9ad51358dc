"""The part of the consent service in `equity status` and `equity doctor`: can the form be offered, and are mails sent?"""

from collections.abc import Sequence
from datetime import datetime

from cli.diagnostics import Finding, Matter, ServiceDiagnostics, StatusSection
from cli.mail_findings import check_mail_server, check_mail_settings
from common.database import Connection
from common.pii.keyring import Keyring
from consent import command_queries as queries
from consent.settings import ConsentSettings

CHECK = "consent form"
_COLUMNS = {"version": "text", "covers": "covers", "published_at": "published"}
_PUBLISH = "`equity consent texts publish`, once a lawyer has read it: docs/consent.md#texts"


async def report_status(connection: Connection, _now: datetime) -> Sequence[StatusSection]:
    """Return the text that the form shows, and whether the form can be offered for the leads of every active broker."""
    texts = await queries.read_current_texts(connection)
    matters = [Matter(text, advice) for text, advice in await _list_obstacles(connection)]
    return [StatusSection(CHECK, texts, _COLUMNS, "no text is published", matters)]


async def check_data(connection: Connection, _keyring: Keyring) -> Sequence[Finding]:
    """Return whether the form can be offered for the leads of every active broker."""
    obstacles = await _list_obstacles(connection)
    findings = [Finding.warning(CHECK, text, advice) for text, advice in obstacles]
    return findings or [Finding.ok(CHECK, "a text is published, and every active broker has a legal name")]


async def _list_obstacles(connection: Connection) -> list[tuple[str, str]]:
    """Return what keeps the form from being offered, each with what to do."""
    found = []
    if not await queries.read_current_texts(connection):
        found.append(("no consent text is published, so the form is not available and no lead is fed", _PUBLISH))
    if unnamed := await queries.list_unnamed_brokers(connection):
        text = f"brokers without a legal name, whose leads cannot consent: {', '.join(unnamed)}"
        found.append((text, "`equity brokers set BROKER --legal-name NAME`: docs/consent.md#the-form"))
    return found


DIAGNOSTICS = ServiceDiagnostics(ConsentSettings, report_status, check_mail_settings, check_data, check_mail_server)
