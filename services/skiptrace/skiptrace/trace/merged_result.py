"""A lead after its stored responses were merged, and the statements derived from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from common.bus import Received
from skiptrace.rules.lead import Lead, LeadContact, StoredResponse
from skiptrace.rules.merge import BestContacts, grade_melissa_codes
from skiptrace.trace.queries import LockedLead


@dataclass(frozen=True, slots=True)
class MergedResult:
    """A lead after its stored responses were merged."""

    row: LockedLead
    contacts: Mapping[tuple[str, bytes], LeadContact]
    responses: Sequence[StoredResponse]
    """The responses that were merged now."""
    flags: frozenset[str]
    """`deceased` and `litigator`, according to these responses."""
    best: BestContacts
    lead: Lead

    @property
    def mak(self) -> str | None:
        """The first MAK of the responses."""
        return next((response.result.mak for response in self.responses if response.result.mak), None)

    @property
    def melissa_payload(self) -> str | None:
        """Melissa's latest codes and their grade as JSON, without personal data; None without a response of Melissa."""
        from_melissa = (response.result for response in reversed(self.responses) if response.provider == "melissa")
        result = next(from_melissa, None)
        if result is None or not result.codes:
            return None
        body = {"results": ",".join(result.codes), "grade": grade_melissa_codes(result.codes), "mak": result.mak}
        return orjson.dumps(body).decode()

    @property
    def unreachable_reasons(self) -> list[str]:
        """Reasons why the lead cannot be reached; empty if it can."""
        reasons = []
        if "deceased" in self.flags or self.row.deceased_owner:
            reasons.append("deceased_owner")
        if "litigator" in self.flags or self.row.litigator:
            reasons.append("litigator")
        if reasons or self.best.outcome is not None:
            return reasons
        if any(stats.unknown and not stats.answered for stats in self.lead.attempts.values()):
            reasons.append("unknown_answer")
        is_ruled_out = any(contact.verified is False for contact in self.contacts.values())
        return [*reasons, "ruled_out" if is_ruled_out else "no_match"]

    def is_unreported_failure(self, cause: Received[Any] | None) -> bool:
        """Return whether tracing ended without a response and no event says so yet.

        Its calls were lost, or it is a new lead and there was no provider to ask.
        """
        stats = self.lead.attempts.values()
        if self.best.outcome is not None or any(one.merged for one in stats):
            return False
        return bool(stats) or (cause is not None and cause.event.outcome == "inserted")
