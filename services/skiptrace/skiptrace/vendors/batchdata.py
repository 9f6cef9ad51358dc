"""BatchData's property skip trace, v1 and v3, which finds phones and emails of an owner (docs/vendors/batchdata.md).

The adapter relies only on certain facts. An email's key is `email` or `address`, and a v1 person may lack its request id. A
rejected key may be answered with 200 and a login page. An unexpected value in one person, phone or email makes no
statement, and does not affect the other lookups of the request.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.compliance.remarks import read_remark
from common.pii.contact_cells import read_emails, read_phones
from common.pii.contact_values import line_type
from common.vendors.errors import OutcomeUnknownError
from common.vendors.http_client import VendorHttpRequest, VendorHttpResponse, check_status
from common.vendors.policy import RateLimit
from skiptrace.rules.lead import ContactMatch, DataNeed, LeadResult, LookupRequest, combine_matches
from skiptrace.rules.waterfall import ProviderCapabilities

_HTTP_OK = 200
_WINDOW_SECONDS = 60.0

_Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BatchDataAdapter:
    """BatchData's skip trace under one token."""

    url: str
    token: str
    version: str
    """`v1`, or `v3`, which needs its own subscription."""
    cents: Decimal
    """Price of one match, in US cents."""
    requests_per_minute: int
    max_records: int
    name: str = "batchdata"
    takes_contacts: bool = False

    @property
    def capabilities(self) -> ProviderCapabilities:
        """It finds. Its do-not-call flags are used, but for them alone the phone checks cost less."""
        return ProviderCapabilities(self.name, frozenset({DataNeed.PHONE, DataNeed.EMAIL}), frozenset(), self.cents)

    @property
    def has_key(self) -> bool:
        """Whether a token is set."""
        return bool(self.token)

    @property
    def rate(self) -> RateLimit:
        """Requests a minute of one token."""
        return RateLimit(self.requests_per_minute, _WINDOW_SECONDS)

    def build_request(self, lookups: Sequence[LookupRequest]) -> VendorHttpRequest:
        """Return one POST of up to 100 properties."""
        # v3 flags phones on the TCPA blacklist, so they are kept as a litigator's. v1 cannot, so they are left out.
        body = {
            "requests": [_build_property(lookup) for lookup in lookups],
            "options": {"dateFormat": "iso-date", "includeTCPABlacklistedPhones": self.version == "v3"},
        }
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.url.rstrip('/')}/api/{self.version}/property/skip-trace"
        return VendorHttpRequest(self.name, "skip_trace", url, body, headers)

    def read_results(self, lookups: Sequence[LookupRequest], response: VendorHttpResponse) -> list[LeadResult]:
        """Return the result of each lookup."""
        document = response.read_json()
        check_body_status(self.name, document, response)
        group_persons = _group_v3_persons if "result" in document else _group_v1_persons
        persons = group_persons(document, lookups)
        return [_read_result(lookup, persons.get(str(lookup.lead_id), [])) for lookup in lookups]

    def calculate_cents(self, results: Sequence[LeadResult]) -> Decimal:
        """Return the price of the matches; no match costs nothing."""
        return self.cents * sum(result.matched for result in results)


def check_body_status(name: str, document: _Json, response: VendorHttpResponse) -> None:
    """Raise the error of the `status` inside *document*, as of an HTTP status. A missing one makes no statement."""
    check_status(name, response, int(_object(document.get("status")).get("code", _HTTP_OK)))


def read_check_code(name: str, flag: object) -> str | None:
    """Return the code of a check's flag: *name*, `not_` and *name*, or None. Only a plain `false` is a no."""
    return name if _is_raised(flag) else f"not_{name}" if flag is False else None


def _build_property(lookup: LookupRequest) -> _Json:
    person = lookup.person
    street = f"{person.street} {person.unit}" if person.unit else person.street
    request: _Json = {
        "requestId": str(lookup.lead_id),
        "propertyAddress": {"street": street, "city": person.city, "state": person.state, "zip": person.zip},
    }
    name = {"first": person.first_name, "last": person.last_name}
    if person.last_name:
        request["name"] = {part: value for part, value in name.items() if value}
    return request


def _group_v1_persons(document: _Json, lookups: Sequence[LookupRequest]) -> dict[str, list[_Json]]:
    """Return the persons of each lookup: by echoed request id, else by address, and without an address by position."""
    persons = document["results"]["persons"]
    grouped: dict[str, list[_Json]] = {}
    for position, person in _list_entries(persons):
        lead_id = str(_object(person.get("request")).get("requestId") or "")
        address = _object(person.get("propertyAddress"))
        if not lead_id and address:
            lead_id = _find_by_address(address, lookups)
        elif not lead_id and len(persons) == len(lookups):
            lead_id = str(lookups[position].lead_id)
        if lead_id:
            grouped.setdefault(lead_id, []).append(person)
    return grouped


def _find_by_address(address: _Json, lookups: Sequence[LookupRequest]) -> str:
    """Return the one lead at this address, by street and ZIP, else by house number and ZIP; empty if there are several."""
    for read_address in (_street_and_zip, _house_and_zip):
        same = [lookup for lookup in lookups if read_address(_sent_address(lookup)) == read_address(address)]
        if len(same) == 1:
            return str(same[0].lead_id)
    return ""


def _sent_address(lookup: LookupRequest) -> _Json:
    return {"street": f"{lookup.person.street} {lookup.person.unit or ''}", "zip": lookup.person.zip}


def _street_and_zip(address: _Json) -> tuple[str, str]:
    return " ".join(str(address.get("street") or "").upper().split()), str(address.get("zip") or "")[:5]


def _house_and_zip(address: _Json) -> tuple[str, str]:
    street, zip_code = _street_and_zip(address)
    return street.partition(" ")[0], zip_code


def _group_v3_persons(document: _Json, lookups: Sequence[LookupRequest]) -> dict[str, list[_Json]]:
    """Return the owners of each lookup's property, in the form of v1.

    Other residents do not count. A match without an owner is charged too, so it is kept as an empty person.
    """
    grouped: dict[str, list[_Json]] = {}
    lead_at = {str(position): str(lookup.lead_id) for position, lookup in enumerate(lookups)}
    for _, item in _list_entries(document["result"]["data"]):
        lead_id = _object(item.get("input")).get("requestId") or lead_at.get(str(item.get("inputIndex")), "")
        owners = [person for person in _list_objects(item.get("persons")) if _is_raised(person.get("propertyOwner"))]
        persons = [_as_v1_person(person, item.get("meta")) for person in owners or [{}]]
        grouped.setdefault(str(lead_id), []).extend(persons)
    if grouped and grouped.keys() == {""}:
        raise OutcomeUnknownError("not_ours")
    return grouped


def _as_v1_person(person: _Json, meta: Any) -> _Json:
    return {
        "meta": meta,
        "phoneNumbers": person.get("phones"),
        "emails": person.get("emails"),
        "litigator": person.get("litigator"),
        "death": {"deceased": person.get("deceased")},
    }


def _read_result(lookup: LookupRequest, persons: list[_Json]) -> LeadResult:
    matched = [person for person in persons if _is_match(_object(person.get("meta")))]
    codes = {code for person in persons for code in _read_person_codes(person)}
    if not all("deceased" in _read_person_codes(person) for person in matched):
        codes.discard("deceased")  # of several owners at least one is alive
    contacts = combine_matches(match for person in matched for match in (*_read_phones(person), *_read_emails(person)))
    person_codes = tuple(sorted(codes))
    return LeadResult(lookup.lead_id, bool(matched), contacts, person_codes, person_codes)


def _is_match(meta: _Json) -> bool:
    return meta.get("matched") is True and not meta.get("error")


def _read_person_codes(person: _Json) -> set[str]:
    flags = {
        "litigator": person.get("litigator"),
        "tcpa": _object(person.get("dnc")).get("tcpa"),
        "deceased": _object(person.get("death")).get("deceased"),
    }
    return {code for code, flag in flags.items() if _is_raised(flag)}


def _is_raised(flag: object) -> bool:
    """Return whether a flag means yes, in any type: most flags are reasons not to contact a person."""
    return flag is True or str(flag).strip().lower() in {"true", "yes", "y", "1"}


def _read_phones(person: _Json) -> Iterable[ContactMatch]:
    for phone in _list_objects(person.get("phoneNumbers")):
        cell, type_ = read_phones(_text(phone.get("number"))), _text(phone.get("type"))
        codes = [line_type(type_), read_check_code("tcpa", phone.get("tcpa"))]
        if phone.get("tested") is True and isinstance(phone.get("reachable"), bool):
            codes.append("reachable" if phone["reachable"] else "unreachable")
        codes += [read_check_code("dnc", phone.get("dnc")), "tcpa" if cell.litigator else None]
        known_codes = tuple(code for code in codes if code)
        for value in cell.values:
            forbidden = value.forbidden or read_remark(type_).forbids
            yield ContactMatch("phone", value.value, known_codes, forbidden=forbidden)


def _read_emails(person: _Json) -> Iterable[ContactMatch]:
    for email in _list_objects(person.get("emails")):
        codes = ("tested",) if email.get("tested") is True else ()
        for value in read_emails(_text(email.get("email")) or _text(email.get("address"))).values:
            if not value.forbidden:
                yield ContactMatch("email", value.value, codes)


def _list_entries(value: Any) -> list[tuple[int, _Json]]:
    """Return the objects of a list with their positions. Raises TypeError without a list, or without any object in it."""
    entries = [(position, entry) for position, entry in enumerate(value) if isinstance(entry, dict)]
    if not isinstance(value, list) or (value and not entries):
        raise TypeError("no list of entries")
    return entries


def _list_objects(value: Any) -> list[_Json]:
    """Return the objects of a list; none if it is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _object(value: Any) -> _Json:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""
