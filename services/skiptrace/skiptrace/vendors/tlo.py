"""TLOxp, which has no public interface: a CSV of persons is exported, and the CSV of its batch search is imported.

See docs/vendors/tlo.md and docs/tlo.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.compliance.remarks import read_remark
from common.csv.escaping import escape_cell
from common.pii.contact_cells import ContactCell, read_emails, read_phones
from common.pii.contact_values import line_type
from common.vendors.http_client import VendorHttpResponse
from skiptrace.rules.lead import ContactMatch, DataNeed, LeadResult, LookupRequest, combine_matches
from skiptrace.rules.waterfall import ProviderCapabilities
from skiptrace.vendors.tlo_mapping import MAX_VALUE_LENGTH

TLO_NAME = "tlo"
EXPORT_HEADER = ("Reference", "First Name", "Last Name", "Company", "Address", "Unit", "City", "State", "Zip")
LISTED_CODE = "found"
"""Code of a value that TLO lists for the person. `verification_code_map` decides whether that verifies it."""


@dataclass(frozen=True, slots=True)
class TloAdapter:
    """TLO by file: reads the rows of its output."""

    cents: Decimal
    """Price of one match, in US cents."""
    name: str = TLO_NAME

    @property
    def capabilities(self) -> ProviderCapabilities:
        """It finds. Other providers verify its values."""
        return ProviderCapabilities(self.name, frozenset({DataNeed.PHONE, DataNeed.EMAIL}), frozenset(), self.cents)

    def read_results(self, lookups: Sequence[LookupRequest], response: VendorHttpResponse) -> list[LeadResult]:
        """Return the result of a stored row for its one lead."""
        entry = response.read_json()
        return [_read_entry(lookup, entry) for lookup in lookups]

    def calculate_cents(self, results: Sequence[LeadResult]) -> Decimal:
        """Return the price of the matches; no match costs nothing."""
        return self.cents * sum(result.matched for result in results)


def build_export_row(reference: str, lookup: LookupRequest) -> list[str]:
    """Return a row of the export, with cells escaped that a spreadsheet would run as a formula."""
    person = lookup.person
    fields = (
        person.first_name, person.last_name, person.company, person.street, person.unit, person.city, person.state, person.zip,
    )  # fmt: skip
    return [reference, *(escape_cell(" ".join((field or "").split())) for field in fields)]


def count_unread_cells(entry: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many phone cells, and email cells, of a row are not empty and cannot be read."""
    phones = sum(_is_unread(_read_phone_cell(number)) for number, _ in entry["phones"])
    return phones, sum(_is_unread(_read_email_cell(text)) for text in entry["emails"])


def _is_unread(cell: ContactCell) -> bool:
    return cell.unread or not cell.values


def _read_entry(lookup: LookupRequest, entry: Mapping[str, Any]) -> LeadResult:
    contacts = combine_matches((*_match_phones(entry["phones"]), *_match_emails(entry["emails"])))
    phone_cells = [_read_phone_cell(number) for number, _ in entry["phones"]]
    cells = [*phone_cells, *(_read_email_cell(text) for text in entry["emails"])]
    is_stated = {
        "deceased": entry["deceased"] or any(cell.deceased for cell in cells),
        "litigator": entry["litigator"] or any(cell.litigator for cell in cells),
    }
    codes = tuple(name for name, stated in is_stated.items() if stated)
    return LeadResult(lookup.lead_id, bool(contacts or codes), contacts, codes, codes)


def _match_phones(cells: Iterable[Sequence[str]]) -> Iterable[ContactMatch]:
    for number, type_ in cells:
        type_forbids = read_remark(type_).forbids
        for value in _read_phone_cell(number).values:
            codes = tuple(filter(None, (LISTED_CODE, line_type(type_) or value.line_type)))
            forbidden = value.forbidden or type_forbids
            yield ContactMatch("phone", value.value, codes, is_listed_only=True, forbidden=forbidden)


def _match_emails(cells: Iterable[str]) -> Iterable[ContactMatch]:
    for text in cells:
        for value in _read_email_cell(text).values:
            if not value.forbidden:
                yield ContactMatch("email", value.value, (LISTED_CODE,), is_listed_only=True)


def _read_phone_cell(text: str) -> ContactCell:
    return read_phones(text) if len(text) <= MAX_VALUE_LENGTH else ContactCell(unread=True)


def _read_email_cell(text: str) -> ContactCell:
    return read_emails(text) if len(text) <= MAX_VALUE_LENGTH else ContactCell(unread=True)
