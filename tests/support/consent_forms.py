"""A person who opens the consent form by a link and signs it, over HTTP."""

import html
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import aiohttp

from common.compliance.links import build_lead_link
from common.ids import LeadId
from consent.texts import read_text_file
from support.consents import NUMBER, ConsentFixture
from support.installation import SECRETS

SECRET = SECRETS["FORM_LINK_SECRET"].encode()
SELLER = "Palmetto Home Equity, LLC"
_TOKEN = re.compile(r'name="token" value="([^"]*)"')


async def offer_form(data: ConsentFixture, *, legal_name: str = SELLER) -> None:
    """Publish the shipped text as the next version, and give the broker a legal name."""
    text = read_text_file(files("consent").joinpath("consent_text.yaml").read_text(encoding="utf-8"))
    await data.owner.execute(
        """insert into app.consent_texts (version, text, covers)
        select coalesce(max(version), 0) + 1, $1, $2 from app.consent_texts""",
        text.to_json(), list(text.covers),
    )  # fmt: skip
    await data.owner.execute("update app.brokers set legal_name = $1", legal_name)


@dataclass(frozen=True, slots=True)
class Page:
    """Response of the service."""

    status: int
    text: str
    headers: Any

    @property
    def token(self) -> str:
        """The token in the page; empty if it has none."""
        found = _TOKEN.search(self.text)
        return found[1] if found else ""

    @property
    def words(self) -> str:
        """The words of the page, without markup."""
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.text)).split())


@dataclass(frozen=True, slots=True)
class FormVisitor:
    """Person at a browser without cookies. *url* is the address of the form."""

    url: str
    session: aiohttp.ClientSession

    def link(self, lead: LeadId, secret: bytes = SECRET, **query: str) -> str:
        """Return the link of an email to the lead."""
        return build_lead_link(self.url, secret, lead) + "".join(f"&{name}={value}" for name, value in query.items())

    async def request(self, method: str, url: str, **options: Any) -> Page:
        """Send a request, and follow no redirect."""
        async with self.session.request(method, url, allow_redirects=False, **options) as response:
            assert "Set-Cookie" not in response.headers
            return Page(response.status, await response.text(), response.headers)

    async def open(self, lead: LeadId, **query: str) -> Page:
        """Open the link."""
        return await self.request("GET", self.link(lead, SECRET, **query))

    async def post(self, token: str, number: str = NUMBER, name: str = "Ana Ruiz", **changes: Any) -> Page:
        """Send the form. A field that is None is left out."""
        query = changes.pop("url", self.url)
        headers = changes.pop("headers", {})
        fields = {"token": token, "number": number, "name": name, "agree": "yes", **changes}
        sent = {key: value for key, value in fields.items() if value is not None}
        return await self.request("POST", query, data=sent, headers=headers)

    async def sign(self, lead: LeadId, **fields: Any) -> Page:
        """Open the form of the lead and sign it."""
        return await self.post((await self.open(lead)).token, **fields)
