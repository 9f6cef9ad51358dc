"""The demo's third part: people answer three emails, sign, and opt out in every way; each effect is timed."""

import asyncio
import html
import re
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from time import monotonic

import aiohttp

from cli.demo import queries
from cli.demo.feed_run import FeedRun, wait_for_step
from cli.demo.queries import LeadMoment
from cli.shell.errors import CliError
from cli.shell.settings import CliSettings
from common.ids import LeadId
from common.pii.keyring import Keyring

SAID = {
    "interested": "Yes, I am interested. Please tell me how it works.",
    "question": "What is the difference between this and a second mortgage?",
    "not_interested": "No thanks, we are not interested.",
    "out_of_office": "I am out of the office until Monday, without access to my email.",
    "wrong_person": "You have the wrong person. I do not own this house.",
    "unsubscribe": "Please take me off your list.",
    "other": "Fine.",
}
"""A reply of each meaning, in words of our own."""
EMAILS = (1, 2, 3)
"""Steps of the sequence that are answered."""
_SIGNERS = 3
_EFFECT_SECONDS = 60.0
_POLL_SECONDS = 0.05
_CONSENT_LINK = re.compile(r"(https?://[^\s\"'<>?]+/consent)(\?l=[\w.~-]+)")
_TOKEN = re.compile(r'name="token" value="([^"]+)"')
_HEADING = re.compile(r"<h1>([^<]+)</h1>")


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A member of a campaign, with the contact details that only the demo knows in clear."""

    lead_id: LeadId
    email: str
    email_hash: bytes
    phone: str | None
    phone_hash: bytes | None


@dataclass(frozen=True, slots=True)
class DemoReply:
    """A reply, what it answers, and what the product made of it."""

    said: str
    email: int
    intent: str
    decided_by: str
    route: str
    status: str


@dataclass(frozen=True, slots=True)
class TimedOptOut:
    """An opt-out: seconds until the gate refused, and until no campaign at Instantly had the person."""

    way: str
    refused_after: float
    out_after: float


@dataclass(frozen=True, slots=True)
class ConversationResult:
    """Result of the conversations. *signed_lead* is None where no lead was left to write to."""

    replies: list[DemoReply]
    form_titles: list[str]
    opt_outs: list[TimedOptOut]
    signed_lead: LeadId | None = None
    history: Sequence[LeadMoment] = ()
    proof: str = ""


class DemoConversations:
    """Conversations with the people whom a feed has reached."""

    def __init__(self, run: FeedRun, http: aiohttp.ClientSession) -> None:
        self._run = run
        self._http = http
        self._connection = run.connection

    async def hold(self, day: date) -> ConversationResult:
        """Let people of the feed of *day* answer, sign and opt out; return what became of it. Raises CliError where it stalls."""
        people = await self._list_people(day)
        wanted = len(SAID) * len(EMAILS) + len(self._list_ways())
        if len(people) < wanted:
            return ConversationResult([], [], [])
        answering = iter(people)
        meanings = [(intent, email, next(answering)) for email in EMAILS for intent in SAID]
        for intent, email, person in meanings:
            await self._reply(person, SAID[intent], email, is_auto_reply=intent == "out_of_office")
        replies = await self._wait_for_routes(meanings)
        signers = [person for intent, _, person in meanings if intent == "interested"][:_SIGNERS]
        titles = [await self._sign(person) for person in signers]
        opt_outs = [
            await self._time_opt_out(
                way, opt_out, signers[-1 - place] if has_signed else await self._write_to(answering)
            )
            for place, (way, opt_out, has_signed) in enumerate(self._list_ways())
        ]
        signed = signers[0].lead_id
        history = await queries.list_lead_history(self._connection, lead_id=signed)
        proof = await _run_equity("consent", "prove", str(signed))
        return ConversationResult(replies, titles, opt_outs, signed, history, proof)

    async def _list_people(self, day: date) -> list[DemoPerson]:
        keyring = Keyring.from_settings(CliSettings())
        found = []
        for row in await queries.list_members_of_day(
            self._connection, broker_id=self._run.broker_id, local_date=day, page_size=40
        ):
            key = keyring.unwrap_data_key(row.lead_id, row.data_key)
            phone = key.decrypt("phone", row.phone_ciphertext) if row.phone_ciphertext else None
            email = key.decrypt("email", row.email_ciphertext)
            found.append(DemoPerson(LeadId(row.lead_id), email, row.email_hash, phone, row.phone_hash))
        return found

    async def _reply(self, person: DemoPerson, text: str, email: int, *, is_auto_reply: bool = False) -> None:
        """Let Instantly send the steps up to *email* to the person, who answers the last one."""
        for step in range(1, email + 1):
            await self._send(person, step)
        await self._answer(person, text, is_auto_reply=is_auto_reply)

    async def _write_to(self, people: Iterator[DemoPerson]) -> DemoPerson:
        """Return the next person, after the first email to it."""
        person = next(people)
        await self._send(person, 1)
        return person

    async def _send(self, person: DemoPerson, step: int) -> None:
        await self._run.sandbox.change_state("instantly/emails", {"email": person.email, "step": step})

    async def _answer(self, person: DemoPerson, text: str, *, is_auto_reply: bool = False) -> None:
        reply = {"email": person.email, "text": text, "is_auto_reply": is_auto_reply}
        await self._run.sandbox.change_state("instantly/replies", reply)

    async def _wait_for_routes(self, meanings: Sequence[tuple[str, int, DemoPerson]]) -> list[DemoReply]:
        lead_ids = [person.lead_id for _, _, person in meanings]

        async def count_routed() -> tuple[int, int]:
            return len(await queries.list_routed_replies(self._connection, lead_ids=lead_ids)), len(lead_ids)

        await wait_for_step("replies", count_routed, "Look with `equity replies list`, and into the services' log.")
        routed = {row.lead_id: row for row in await queries.list_routed_replies(self._connection, lead_ids=lead_ids)}
        return [
            DemoReply(SAID[meant], email, row.intent, row.classified_by, row.route, row.status)
            for meant, email, person in meanings
            for row in [routed[person.lead_id]]
        ]

    async def _sign(self, person: DemoPerson) -> str:
        """Sign the consent form behind the link of an email to *person*; return the title of the page that follows."""
        base, link = await self._find_link(person)
        async with self._http.get(base + link) as response:
            page = await response.text()
        token = _TOKEN.search(page)
        if token is None:
            raise CliError(
                f"The consent form cannot be opened ({response.status}).",
                "Is a text published? equity consent texts list",
            )
        fields = {"token": token[1], "number": person.phone or "", "name": "Sample Owner", "agree": "yes"}
        async with self._http.post(base + link, data=fields) as response:
            heading = _HEADING.search(await response.text())
        return html.unescape(heading[1]) if heading else f"HTTP {response.status}"

    def _list_ways(self) -> list[tuple[str, Callable[[DemoPerson], Awaitable[None]], bool]]:
        """Return each way to opt out: its name, the act, and whether the person has signed before."""
        return [
            ("withdrawal page", self._withdraw, True),
            ("call to the office", self._call_office, True),
            ("reply in free text", self._reply_stop, False),
            ("link in an email", self._open_link, False),
            ("unsubscribe button of the mail program", self._press_one_click, False),
            ("Instantly's own unsubscribe", self._unsubscribe_at_vendor, False),
        ]

    async def _time_opt_out(
        self, way: str, opt_out: Callable[[DemoPerson], Awaitable[None]], person: DemoPerson
    ) -> TimedOptOut:
        """Let the person opt out, and measure the time to each effect."""
        begun = monotonic()
        await opt_out(person)
        hashes = [value_hash for value_hash in (person.email_hash, person.phone_hash) if value_hash]

        async def is_refused() -> bool:
            return await queries.is_any_suppressed(self._connection, value_hashes=hashes)

        async def is_out() -> bool:
            campaigns = (await self._run.sandbox.fetch_state("instantly"))["campaigns"]
            return all(person.email not in campaign["members"] for campaign in campaigns)

        return TimedOptOut(way, await _measure(begun, is_refused, way), await _measure(begun, is_out, way))

    async def _withdraw(self, person: DemoPerson) -> None:
        await self._press(person, "withdraw", {})

    async def _open_link(self, person: DemoPerson) -> None:
        await self._press(person, "opt-out", {})

    async def _press_one_click(self, person: DemoPerson) -> None:
        await self._press(person, "opt-out", {"List-Unsubscribe": "One-Click"})

    async def _press(self, person: DemoPerson, page: str, fields: dict[str, str]) -> None:
        base, link = await self._find_link(person)
        async with self._http.post(f"{base}/{page}{link}", data=fields) as response:
            response.raise_for_status()

    async def _find_link(self, person: DemoPerson) -> tuple[str, str]:
        """Return the address of the consent form and the query of the person's link, as the last email to the person has them."""
        emails = await self._run.sandbox.fetch_state(f"instantly/emails?lead={person.email}")
        for email in reversed(emails):
            if found := _CONSENT_LINK.search(html.unescape(email["body"]["html"] or "")):
                return found[1], found[2]
        raise CliError("No email of the demo has the link to the consent form.", "See: equity campaigns list")

    async def _call_office(self, person: DemoPerson) -> None:
        await _run_equity("consent", "withdraw", str(person.lead_id))

    async def _reply_stop(self, person: DemoPerson) -> None:
        await self._answer(person, "Stop writing to me.")

    async def _unsubscribe_at_vendor(self, person: DemoPerson) -> None:
        await self._run.sandbox.change_state(
            "instantly/events", {"event_type": "lead_unsubscribed", "email": person.email}
        )


async def _measure(begun: float, is_reached: Callable[[], Awaitable[bool]], way: str) -> float:
    """Return the seconds from *begun* until *is_reached*. Raises CliError after a minute."""
    while not await is_reached():
        if monotonic() - begun > _EFFECT_SECONDS:
            raise CliError(f"The opt-out by {way} had no full effect in a minute.", "Look into the services' log.")
        await asyncio.sleep(_POLL_SECONDS)
    return monotonic() - begun


async def _run_equity(*arguments: str) -> str:
    """Run another command of this program as a person would, and return what it prints. Raises CliError if it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, said = await process.communicate()
    if process.returncode:
        raise CliError(f"`equity {' '.join(arguments)}` failed: {said.decode().strip()}", "Run it to see why.")
    return printed.decode()
