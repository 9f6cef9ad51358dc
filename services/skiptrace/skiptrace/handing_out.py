"""Whom a file for TLO is about: leads that still lack something after the online providers had their turn.

Each lead is a request of its own, because a file comes back in parts; what the file holds is read from the requests. So it
is written down before it is written out, and a file that was lost can be written again.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from common import ids
from common.database import Connection, Database, load_queries
from skiptrace.board import Board
from skiptrace.codes import CodeMap, Codes
from skiptrace.lead import Lead, Question, Since, Want
from skiptrace.ledger import Ledger
from skiptrace.router import Ask, Case, Offer, Policy, Tried, choose
from skiptrace.settings import SkiptraceSettings
from skiptrace.tracing import case_of
from skiptrace.vendors.tlo import Tlo, exported

queries = load_queries(__file__, "batches.sql")

AT_ONCE = 500
_REACH = frozenset({Want.PHONE, Want.EMAIL})


@dataclass(frozen=True, slots=True)
class Permission:
    """Under which permissible purpose a file is made, and who answers for that."""

    glb_purpose: str
    dppa_purpose: str
    warning_accepted_by: str
    made_by: str


@dataclass(slots=True)
class HandedOut:
    """What was handed out, and how many were passed over, by reason."""

    batch_id: UUID
    leads: int = 0
    cents_at_most: Decimal = Decimal(0)
    passed_over: Counter[str] = field(default_factory=Counter)


class HandingOut:
    """Chooses leads for a file and writes down that they are out."""

    def __init__(
        self,
        database: Database,
        board: Board,
        ledger: Ledger,
        codes: Codes,
        online: Sequence[Offer],
        tlo: Tlo,
        settings: SkiptraceSettings,
    ) -> None:
        self._database = database
        self._board = board
        self._ledger = ledger
        self._codes = codes
        self._online = online
        self._tlo = tlo
        self._settings = settings

    async def hand_out(self, most: int, permission: Permission, progress: Callable[[int], None]) -> HandedOut:
        """Write down up to *most* leads as handed out in one batch, the unreachable ones first and by score."""
        out, codes = HandedOut(ids.new_id()), await self._codes.current()
        async with aclosing(self._candidates()) as pages:
            async for lead_ids in pages:
                chosen = await self._choose(lead_ids, codes, out.passed_over)
                await self._write_down(out, chosen[: most - out.leads], permission)
                progress(out.leads)
                if out.leads >= most:
                    break
        return out

    async def _choose(self, lead_ids: Sequence[UUID], codes: CodeMap, passed_over: Counter[str]) -> list[Lead]:
        leads = await self._board.leads(lead_ids)
        chosen = []
        for lead in (leads[lead_id] for lead_id in lead_ids if lead_id in leads):
            reason = why_not(lead, self._online, self._tlo.offer, self._settings.policy, self._since, codes)
            if reason:
                passed_over[reason] += 1
            else:
                chosen.append(lead)
        return chosen

    async def rows(self, batch_id: UUID) -> AsyncIterator[list[str]]:
        """The rows of the batch's file: those of its leads that are still out and may still be traced."""
        after = UUID(int=0)
        while True:
            async with self._database.connection() as connection:
                found = [
                    row async for row in queries.batch_rows(connection, batch_id=batch_id, after=after, many=AT_ONCE)
                ]
            for row in found:
                (question,) = self._ledger.unseal_questions(row["id"], row["question_sealed"])
                yield exported(str(row["id"]), question)
            if not found:
                return
            after = found[-1]["id"]

    async def note_written(self, batch_id: UUID) -> None:
        """The batch's file is complete."""
        async with self._database.connection() as connection:
            await queries.note_written(connection, batch_id=batch_id)

    @property
    def _since(self) -> Since:
        return self._settings.since(datetime.now(UTC))

    async def _candidates(self) -> AsyncGenerator[list[UUID], None]:
        """Ids of leads that may come into question, the first first, some hundred at a time."""
        async with self._database.transaction() as connection:
            page: list[UUID] = []
            given = {"provider": self._tlo.name, "since": self._since.judged}
            async with queries.leads_to_hand_out_cursor(connection, **given) as rows:
                async for row in rows:
                    page.append(row["id"])
                    if len(page) == AT_ONCE:
                        yield page
                        page = []
            if page:
                yield page

    async def _write_down(self, out: HandedOut, leads: Sequence[Lead], permission: Permission) -> None:
        if not leads:
            return
        async with self._database.transaction() as connection:
            free = await self._free(connection, [lead.id for lead in leads])
            chosen = [lead for lead in leads if lead.id in free]
            out.passed_over["in_hand"] += len(leads) - len(chosen)
            if not chosen:
                return
            await queries.add_batch(
                connection,
                id=out.batch_id,
                provider=self._tlo.name,
                lease=timedelta(days=self._settings.tlo_lease_days),
                made_by=permission.made_by,
                glb_purpose=permission.glb_purpose,
                dppa_purpose=permission.dppa_purpose,
                warning_accepted_by=permission.warning_accepted_by,
            )
            requests = {ids.new_id(): _question(lead) for lead in chosen}
            await queries.add_batch_requests(
                connection,
                batch_id=out.batch_id,
                cents=self._tlo.cents,
                ids=list(requests),
                questions=[self._ledger.seal_questions(id_, [question]) for id_, question in requests.items()],
            )
            await queries.add_batch_attempts(
                connection,
                provider=self._tlo.name,
                ids=list(requests),
                lead_ids=[question.lead_id for question in requests.values()],
            )
        out.leads += len(chosen)
        out.cents_at_most += self._tlo.cents * len(chosen)

    async def _free(self, connection: Connection, lead_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the leads, now locked, that may be handed out and about whom nobody is asking."""
        locked = {row["id"] async for row in queries.lock_leads_to_hand_out(connection, ids=lead_ids)}
        taken = {row["lead_id"] async for row in queries.leads_not_free(connection, ids=lead_ids)}
        return locked - taken


def why_not(  # noqa: PLR0911 - one line a reason
    lead: Lead, online: Sequence[Offer], tlo: Offer, policy: Policy, since: Since, codes: CodeMap
) -> str | None:
    """Why *lead* is not handed out; None when it is.

    `untraceable`: nobody is to be contacted, or the address is incomplete. `suppressed`: somebody there asked not to be
    reached. `in_hand`: a call is under way, or an answer waits to be merged. `complete`: nothing that TLO finds is missing.
    `online_first`: another provider has its turn. `asked_or_too_dear`: TLO was asked in this period, or the lead's budget is
    used up. `nobody_verifies`: what TLO found could be verified by nobody, because all were asked as often as they may be.
    """
    if lead.untraceable or lead.person is None:
        return "untraceable"
    if any(contact.suppressed for contact in lead.contacts.values()):
        return "suppressed"
    if lead.in_flight_s or lead.answers:
        return "in_hand"
    case = case_of(lead, policy, since)
    if not case.missing & tlo.finds:
        return "complete"
    if isinstance(choose(case, online, {}, policy), Ask):
        return "online_first"
    by_file = replace(policy, order=(tlo.provider,))
    if not isinstance(choose(case, [tlo], {}, by_file), Ask):
        return "asked_or_too_dear"
    return None if _somebody_verifies(case, online, tlo, policy, codes) else "nobody_verifies"


def _somebody_verifies(case: Case, online: Sequence[Offer], tlo: Offer, policy: Policy, codes: CodeMap) -> bool:
    """Whether what TLO may find would count: by the code map, or because an online provider could still be asked."""
    wanted = case.missing & _REACH
    if all(codes.flags(tlo.provider, want.value, ["found"]).verified for want in wanted):
        return True
    tried = {**case.tried, tlo.provider: Tried(answered=1)}
    found = replace(case, missing=wanted, untried=wanted, tried=tried, spent_cents=case.spent_cents + tlo.cents)
    return isinstance(choose(found, online, {}, policy), Ask)


def _question(lead: Lead) -> Question:
    if lead.person is None:
        raise AssertionError("a lead without an address is never handed out")
    return Question(lead.id, lead.person)
