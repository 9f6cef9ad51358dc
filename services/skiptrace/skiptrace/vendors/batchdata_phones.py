"""BatchData's phone checks against do-not-call lists and TCPA litigators (docs/vendors/batchdata.md, Phone checks).

Only number and flag of an answer are certain. A yes counts in any type. Only a plain `false` states that a number is on no
list. A missing number, or a flag of another type, changes nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.pii.contact_cells import read_phones
from common.vendors.http_client import VendorHttpRequest, VendorHttpResponse
from common.vendors.policy import RateLimit
from skiptrace.rules.lead import ContactMatch, DataNeed, LeadResult, LookupRequest
from skiptrace.rules.waterfall import ProviderCapabilities
from skiptrace.trace.provider import MAX_PHONES_PER_LEAD, MAX_RECORDS_PER_REQUEST
from skiptrace.vendors.batchdata import check_body_status, read_check_code

_WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class BatchDataPhonesAdapter:
    """One of BatchData's phone checks under one token."""

    url: str
    token: str
    check: DataNeed
    """`dnc` or `tcpa`: part of the address, key of the flag, and code, also with `not_` before it."""
    cents: Decimal
    """Price of one number, in US cents."""
    requests_per_minute: int
    """Limit of the token, shared with the skip trace."""
    max_records: int = MAX_RECORDS_PER_REQUEST // MAX_PHONES_PER_LEAD
    takes_contacts: bool = False

    @property
    def name(self) -> str:
        """`batchdata_dnc` or `batchdata_tcpa`."""
        return f"batchdata_{self.check}"

    @property
    def capabilities(self) -> ProviderCapabilities:
        """It checks, and neither finds nor verifies."""
        nothing = frozenset[DataNeed]()
        most = self.cents * MAX_PHONES_PER_LEAD
        return ProviderCapabilities(self.name, nothing, nothing, most, frozenset({self.check}))

    @property
    def has_key(self) -> bool:
        """Whether a token is set."""
        return bool(self.token)

    @property
    def rate(self) -> RateLimit:
        """Requests a minute of one token."""
        return RateLimit(self.requests_per_minute, _WINDOW_SECONDS, shared_with="batchdata")

    def build_request(self, lookups: Sequence[LookupRequest]) -> VendorHttpRequest:
        """Return one POST of up to 100 numbers, each once."""
        numbers = dict.fromkeys(phone.removeprefix("+1") for lookup in lookups for phone in lookup.phones)
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.url.rstrip('/')}/api/v1/phone/{self.check}"
        return VendorHttpRequest(self.name, f"phone_{self.check}", url, {"requests": list(numbers)}, headers)

    def read_results(self, lookups: Sequence[LookupRequest], response: VendorHttpResponse) -> list[LeadResult]:
        """Return the codes of each number in the lookups."""
        document = response.read_json()
        check_body_status(self.name, document, response)
        codes = self._read_codes(document["results"]["phoneNumbers"])
        return [_read_result(lookup, codes) for lookup in lookups]

    def calculate_cents(self, results: Sequence[LeadResult]) -> Decimal:
        """Return the price of the numbers; each costs, with any answer."""
        return self.cents * len({match.value for result in results for match in result.contacts})

    def _read_codes(self, entries: Any) -> dict[str, set[str]]:
        """Return the codes of each number. A repeated number has both codes, and the one that warns wins later."""
        if not isinstance(entries, list):
            raise TypeError("no list of numbers")
        codes: defaultdict[str, set[str]] = defaultdict(set)
        for entry in entries:
            code = read_check_code(self.check, entry.get(self.check)) if isinstance(entry, dict) else None
            if code:
                for value in read_phones(str(entry.get("number"))).values:
                    codes[value.value].add(code)
        return codes


def _read_result(lookup: LookupRequest, codes: dict[str, set[str]]) -> LeadResult:
    matches = tuple(
        ContactMatch("phone", phone, tuple(sorted(codes.get(phone, ()))), is_check=True) for phone in lookup.phones
    )
    return LeadResult(lookup.lead_id, any(match.codes for match in matches), matches)
