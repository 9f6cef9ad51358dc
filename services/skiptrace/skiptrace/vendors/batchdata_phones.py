"""BatchData's phone checks: is a number on a do-not-call list, or that of somebody who sues callers (vendor contracts §5.4)?

What an answer holds beside number and verdict is not certain. A yes counts in any type, and only a plain `false` says that a
number is on no list: one that is missing, or whose verdict is something else, stays as it was.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from common.contact_cells import read_phones
from skiptrace.lead import Finding, Found, Question, Want
from skiptrace.provider import MOST_PHONES, MOST_RECORDS, Rate, RefusedError, Reply, Request, UnknownAnswerError
from skiptrace.router import Offer
from skiptrace.vendors.batchdata import check_body_status, check_code


@dataclass(frozen=True, slots=True)
class BatchDataPhones:
    """One of BatchData's checks under one token."""

    url: str
    token: str
    check: Want
    """`dnc` or `tcpa`: the address asked, the key of the verdict, and with `not_` before it the codes."""
    cents: Decimal
    """Price of one number, in US cents."""
    requests_per_minute: int
    """Of the token: shared with the skip trace."""
    max_records: int = MOST_RECORDS // MOST_PHONES
    asks_contacts: bool = False
    pause: timedelta = timedelta(seconds=1)

    @property
    def name(self) -> str:
        """`batchdata_dnc` or `batchdata_tcpa`."""
        return f"batchdata_{self.check}"

    @property
    def offer(self) -> Offer:
        """It checks, and neither finds nor verifies."""
        nothing = frozenset[Want]()
        return Offer(self.name, nothing, nothing, self.cents * MOST_PHONES, frozenset({self.check}))

    @property
    def has_key(self) -> bool:
        """Whether a token is set."""
        return bool(self.token)

    @property
    def rate(self) -> Rate:
        """Requests a minute of one token."""
        return Rate(self.requests_per_minute, 60.0, counts_records=False, shared_with="batchdata")

    def request(self, questions: Sequence[Question]) -> Request:
        """One POST of up to 100 numbers, each once."""
        numbers = dict.fromkeys(phone.removeprefix("+1") for question in questions for phone in question.phones)
        headers = {"Authorization": f"Bearer {self.token}"}
        return Request(f"{self.url.rstrip('/')}/api/v1/phone/{self.check}", {"requests": list(numbers)}, headers)

    def read(self, questions: Sequence[Question], reply: Reply) -> list[Finding]:
        """What the answer says of each number that was asked about."""
        if "html" in reply.content_type:
            raise RefusedError("login_page")
        try:
            answer = reply.document
            check_body_status(answer, reply)
            said = self._said(answer["results"]["phoneNumbers"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnknownAnswerError("unreadable") from error
        return [_finding(question, said) for question in questions]

    def cost_cents(self, findings: Sequence[Finding]) -> Decimal:
        """Every number costs, whatever is said of it."""
        return self.cents * len({found.value for finding in findings for found in finding.contacts})

    def _said(self, entries: Any) -> dict[str, set[str]]:
        """The codes of each number. One that is there twice has both, and the one that warns wins."""
        if not isinstance(entries, list):
            raise TypeError("no list of numbers")
        said: defaultdict[str, set[str]] = defaultdict(set)
        for entry in entries:
            code = check_code(self.check, entry.get(self.check)) if isinstance(entry, dict) else None
            for one in read_phones(str(entry.get("number"))).values if code else ():
                said[one.value].add(str(code))
        return said


def _finding(question: Question, said: dict[str, set[str]]) -> Finding:
    found = [Found("phone", phone, tuple(sorted(said.get(phone, ()))), is_check=True) for phone in question.phones]
    return Finding(question.lead_id, any(one.codes for one in found), tuple(found))
