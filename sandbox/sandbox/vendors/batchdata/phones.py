"""BatchData's phone checks, charged per number (contracts §5.4)."""

import re
from collections.abc import Sequence
from typing import Any

from sandbox.ledger import Ledger
from sandbox.people import People
from sandbox.vendor import Answer, Call, RefusedError, Vendor, json_object
from sandbox.vendors.batchdata.callbacks import OK, Answering

MOST_PHONES = 100
"""Of one request: not published, taken from the skip trace."""
CHECKS = {"verification": ("type", "carrier", "reachable"), "dnc": ("dnc",), "tcpa": ("tcpa",)}
"""The checks, by the end of their address, and the verdicts of each."""


class Phones:
    """Says what is known of up to 100 numbers a call."""

    def __init__(self, vendor: Vendor, people: People, ledger: Ledger) -> None:
        self._vendor = vendor
        self._people = people
        self._ledger = ledger

    def check(self, name: str) -> Answering:
        """The answers of `POST /api/v1/phone/` and *name*."""

        async def answer(call: Call) -> Answer:
            numbers = self._numbers(call)
            self._ledger.pay(self._vendor.name, f"phone_{name}", numbers)
            entries = [self._facts(number, CHECKS[name]) for number in numbers]
            return Answer({"status": OK, "results": {"phoneNumbers": entries}})

        return answer

    def _numbers(self, call: Call) -> list[str]:
        """The ten digits of each number asked about. Raises RefusedError (400)."""
        requests = json_object(self._vendor, call.body).get("requests")
        if not isinstance(requests, list) or not all(isinstance(number, str) for number in requests):
            raise RefusedError(self._vendor.error(400, "requests must be an array of phone numbers"))
        if len(requests) > MOST_PHONES:
            raise RefusedError(self._vendor.error(400, f"requests must not have more than {MOST_PHONES} entries"))
        numbers = [re.sub("[^0-9]", "", number)[-10:] for number in requests]
        if any(len(number) < 10 for number in numbers):  # noqa: PLR2004 - digits of a number in North America
            raise RefusedError(self._vendor.error(400, "requests must be phone numbers of ten digits"))
        return numbers

    def _facts(self, number: str, verdicts: Sequence[str]) -> dict[str, Any]:
        phone = self._people.phone(number)
        facts = {
            "type": phone.line, "carrier": phone.carrier, "reachable": phone.reachable, "dnc": phone.dnc, "tcpa": phone.tcpa,
        }  # fmt: skip
        return {"number": number, **{name: facts[name] for name in verdicts}}
