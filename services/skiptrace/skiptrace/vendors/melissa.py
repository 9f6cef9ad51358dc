"""Melissa Personator Consumer, `doContactVerify`: verifies known contacts and returns the MAK (docs/vendors/melissa.md).

Blanks are a single space and counts are strings. Errors have status 200 and a code in `TransmissionResults`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.pii.contact_cells import ContactCell, read_emails, read_phones
from common.vendors.errors import AccessDeniedError, InvalidRequestError, NotExecutedError, OutcomeUnknownError
from common.vendors.http_client import VendorHttpRequest, VendorHttpResponse
from common.vendors.policy import RateLimit
from skiptrace.rules.lead import ContactMatch, DataNeed, LeadResult, LookupRequest, combine_matches
from skiptrace.rules.waterfall import ProviderCapabilities

VERIFY_PATH = "/v3/WEB/ContactVerify/doContactVerify"
_WINDOW_SECONDS = 1.0
_MAK = re.compile(r"[0-9]{10}")
_CODE = re.compile(r"[A-Z]{2}[0-9]{2}")
_INVALID_REQUEST_CODES = {"GE01", "GE02", "GE03"}
"""Empty request, no records, too many records."""
_PHONE_CODES, _EMAIL_CODES = ("PS", "PE"), ("ES", "EE")
_NO_STATEMENT_CODES = {"PE02"}
"""Codes of a blank field."""


@dataclass(frozen=True, slots=True)
class MelissaAdapter:
    """Melissa under one licence."""

    url: str
    licence: str
    actions: str
    cents: Decimal
    """Price of one record, in US cents. A crash costs at most one batch of records."""
    records_per_second: int
    max_records: int
    name: str = "melissa"
    takes_contacts: bool = True

    @property
    def capabilities(self) -> ProviderCapabilities:
        """It verifies; with `Append` among the actions it also finds."""
        contacts = frozenset({DataNeed.PHONE, DataNeed.EMAIL})
        finds = contacts if "append" in self.actions.lower() else frozenset[DataNeed]()
        return ProviderCapabilities(self.name, finds | {DataNeed.MAK}, contacts, self.cents)

    @property
    def has_key(self) -> bool:
        """Whether a licence is set."""
        return bool(self.licence)

    @property
    def rate(self) -> RateLimit:
        """Records a second, by the kind of licence: 5, 12, 200 or 400."""
        return RateLimit(self.records_per_second, _WINDOW_SECONDS, counts_records=True)

    def build_request(self, lookups: Sequence[LookupRequest]) -> VendorHttpRequest:
        """Return one POST of up to 100 records."""
        body = {
            "TransmissionReference": "equity-connect",
            "CustomerID": self.licence,
            "Actions": self.actions,
            "Columns": "GrpAddressDetails,GrpParsedPhone,MoveDate,OwnRent",
            "Options": "Append:Blank",
            "Records": [_build_record(lookup) for lookup in lookups],
        }
        return VendorHttpRequest(self.name, "verify", f"{self.url.rstrip('/')}{VERIFY_PATH}", body)

    def read_results(self, lookups: Sequence[LookupRequest], response: VendorHttpResponse) -> list[LeadResult]:
        """Return the result of each lookup. A lookup without a record gets no statement, so that it is asked again."""
        records: dict[str, list[dict[str, Any]]] = {str(lookup.lead_id): [] for lookup in lookups}
        document = response.read_json()
        for record in document.get("Records") or ():
            if isinstance(record, dict):
                records.get(_text(record.get("RecordID")), []).append(record)
        for code in _split_codes(document.get("TransmissionResults")):
            _check_transmission(code)
        if not any(records.values()):
            raise OutcomeUnknownError("not_ours")
        return [_read_result(lookup, records[str(lookup.lead_id)]) for lookup in lookups]

    def calculate_cents(self, results: Sequence[LeadResult]) -> Decimal:
        """Return the price of the records; each costs, matched or not."""
        return self.cents * len(results)


def _build_record(lookup: LookupRequest) -> dict[str, str]:
    person = lookup.person
    name = " ".join(filter(None, (person.first_name, person.last_name)))
    fields = {
        "RecordID": str(lookup.lead_id),
        "FullName": name,
        "CompanyName": person.company,
        "AddressLine1": person.street,
        "AddressLine2": person.unit,
        "City": person.city,
        "State": person.state,
        "PostalCode": person.zip,
        "Country": "US",
        "EmailAddress": lookup.email,
        "PhoneNumber": lookup.phone.removeprefix("+1") if lookup.phone else None,
    }
    return {name: value for name, value in fields.items() if value}


def _check_transmission(code: str) -> None:
    """Raise the error of a code about the whole request. By convention GE is our or our account's error, SE the server's."""
    if code in _INVALID_REQUEST_CODES:
        raise InvalidRequestError(code)
    if code.startswith("GE"):
        raise AccessDeniedError(code)
    if code.startswith("SE"):
        raise NotExecutedError(code)


def _read_result(lookup: LookupRequest, records: Sequence[dict[str, Any]]) -> LeadResult:
    """Return the result of the records of one id together; there are several only if Melissa repeats a record."""
    codes = tuple(dict.fromkeys(code for record in records for code in _split_codes(record.get("Results"))))
    maks = {mak[0] for record in records if (mak := _MAK.fullmatch(_text(record.get("MelissaAddressKey"))))}
    return LeadResult(
        lead_id=lookup.lead_id,
        matched=bool(codes) and not any(code.startswith("AE") or code == "VS00" for code in codes),
        contacts=combine_matches(match for record in records for match in _read_contacts(lookup, record)),
        codes=codes,
        person_codes=tuple(code for code in codes if code == "DD01"),
        mak=maks.pop() if len(maks) == 1 else None,
    )


def _read_contacts(lookup: LookupRequest, record: dict[str, Any]) -> list[ContactMatch]:
    """Return the phone and email of a record. A record without any code was not verified."""
    codes = _split_codes(record.get("Results"))
    if not codes:
        return []
    phone, email = _text(record.get("PhoneNumber")), _text(record.get("EmailAddress"))
    phone_codes, email_codes = _select_codes(codes, _PHONE_CODES), _select_codes(codes, _EMAIL_CODES)
    return [
        *_assign_codes("phone", lookup.phone, _read_returned(phone, read_phones), phone_codes),
        *_assign_codes("email", lookup.email, _read_returned(email, read_emails), email_codes),
    ]


def _read_returned(text: str, read: Callable[[str], ContactCell]) -> str | None:
    """Return the returned value; None for a blank, and empty text if it is not exactly one usable value."""
    if not text:
        return None
    cell = read(text)
    return cell.values[0].value if len(cell.values) == 1 and not cell.forbidden else ""


def _assign_codes(
    channel: str, requested: str | None, returned: str | None, codes: tuple[str, ...]
) -> list[ContactMatch]:
    """Return matches in which the codes belong to the returned value.

    If another value returned than the requested one, the requested one was corrected and gets no codes.
    """
    about_returned = [ContactMatch(channel, returned, codes)] if returned and codes else []
    if requested is None:
        return about_returned
    if returned in (None, requested):
        return [ContactMatch(channel, requested, codes)]
    return [ContactMatch(channel, requested), *about_returned]


def _select_codes(codes: tuple[str, ...], prefixes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code for code in codes if code.startswith(prefixes) and code not in _NO_STATEMENT_CODES)


def _split_codes(text: object) -> tuple[str, ...]:
    codes = ("".join(code.split()).upper() for code in _text(text).split(","))
    return tuple(code for code in codes if _CODE.fullmatch(code))


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) else ""
