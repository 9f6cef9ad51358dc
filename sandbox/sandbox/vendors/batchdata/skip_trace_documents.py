"""Documents of BatchData's skip trace, v1 and v3 (docs/vendors/batchdata.md, Skip trace)."""

from collections.abc import Mapping
from typing import Any

from sandbox.people import FakePerson, FakePhone, PostalAddress


def parse_address(request: Mapping[str, Any]) -> PostalAddress:
    """Return the property of a skip-trace request: its address, or its parcel (`apn` with county or FIPS code)."""
    place = request.get("propertyAddress")
    if isinstance(place, dict):
        return PostalAddress(*(str(place.get(name) or "") for name in ("street", "city", "state", "zip")))
    parcel = str(request.get("apn") or "")
    return PostalAddress(
        parcel, str(request.get("county") or request.get("countyFipsCode") or ""), str(request.get("state") or "")
    )


def has_property(request: Mapping[str, Any]) -> bool:
    """Return whether the request has an address, or a parcel with its county: by name and state, or by FIPS code."""
    if isinstance(request.get("propertyAddress"), dict):
        return parse_address(request) != PostalAddress("")
    return bool(
        request.get("apn") and (request.get("countyFipsCode") or (request.get("county") and request.get("state")))
    )


def _address_document(address: PostalAddress) -> dict[str, Any]:
    return {"street": address.street, "city": address.city, "state": address.state, "zip": address.zip}


def _visible_phones(person: FakePerson, *, with_tcpa: bool) -> tuple[FakePhone, ...]:
    """Return the phones to show: none of a litigator; those on TCPA lists only if requested."""
    return () if person.is_litigator else tuple(phone for phone in person.phones if with_tcpa or not phone.tcpa)


def create_person_v1(
    request: Mapping[str, Any], person: FakePerson, *, is_found: bool, with_tcpa: bool, email_key: str, with_id: bool
) -> dict[str, Any]:
    """Return an entry of `results.persons`. No match is an entry too: `meta.matched` is false, the lists are empty."""
    address = _address_document(parse_address(request))
    phones = _visible_phones(person, with_tcpa=with_tcpa) if is_found else ()
    return {
        "request": {"requestId": request["requestId"]} if with_id and request.get("requestId") else {},
        "name": _name(person) if is_found else {},
        "propertyAddress": address,
        "mailingAddress": request.get("mailingAddress") or address,
        "phoneNumbers": [_phone_document_v1(phone) for phone in phones],
        "emails": [{email_key: email, "tested": True} for email in person.emails] if is_found else [],
        "bankruptcy": {},
        "death": {"deceased": is_found and person.is_deceased},
        "dnc": {"tcpa": is_found and any(phone.tcpa for phone in person.phones)},
        "litigator": is_found and person.is_litigator,
        "property": {"id": person.mak, "address": address, "owner": {"name": _name(person), "mailingAddress": address}},
        "meta": {"matched": is_found, "error": False, "errorMessage": None},
    }


def create_failure_v1(request: Mapping[str, Any], message: str) -> dict[str, Any]:
    """Return the v1 entry of a request that failed, while others of the same call may succeed."""
    return {
        "request": {"requestId": request["requestId"]} if request.get("requestId") else {},
        "phoneNumbers": [],
        "emails": [],
        "meta": {"matched": False, "error": True, "errorMessage": message},
    }


def create_entry_v3(
    index: int, request: Mapping[str, Any], person: FakePerson, *, is_found: bool, with_tcpa: bool
) -> dict[str, Any]:
    """Return an entry of `result.data`. v3 documents up to three persons; the sandbox returns the owner only."""
    address = _address_document(parse_address(request))
    return {
        "inputIndex": index,
        "input": dict(request),
        "property": {"id": person.mak, "address": address, "mailingAddress": address, "owners": [_name(person)]},
        "persons": [_person_v3(person, address, with_tcpa=with_tcpa)] if is_found else [],
        "meta": {"matched": is_found, "error": False},
    }


def create_failure_v3(index: int, request: Mapping[str, Any], message: str) -> dict[str, Any]:
    """Return the v3 entry of a request that failed."""
    meta = {"matched": False, "error": True, "errorMessage": message}
    return {"inputIndex": index, "input": dict(request), "property": {}, "persons": [], "meta": meta}


def _person_v3(person: FakePerson, address: dict[str, Any], *, with_tcpa: bool) -> dict[str, Any]:
    phones = _visible_phones(person, with_tcpa=with_tcpa)
    return {
        "propertyOwner": True,
        "name": _name(person),
        "addresses": [{"rank": 1, "propertyMailingAddress": True, **address}],
        "phones": [_phone_v3(rank, phone) for rank, phone in enumerate(phones, 1)],
        "emails": [{"rank": rank, "email": email, "tested": True} for rank, email in enumerate(person.emails, 1)],
        "litigator": person.is_litigator,
        "deceased": person.is_deceased,
        "dob": None,
    }


def _name(person: FakePerson) -> dict[str, str]:
    return {"first": person.first, "last": person.last, "full": f"{person.first} {person.last}"}


def _phone_document_v1(phone: FakePhone) -> dict[str, Any]:
    return {
        "number": phone.number, "type": phone.line, "carrier": phone.carrier, "tested": True, "reachable": phone.reachable,
        "dnc": phone.dnc, "score": phone.score,
    }  # fmt: skip


def _phone_v3(rank: int, phone: FakePhone) -> dict[str, Any]:
    return {
        "rank": rank, "number": phone.number, "type": phone.line, "carrier": phone.carrier, "tested": True,
        "reachable": phone.reachable, "dnc": phone.dnc, "tcpa": phone.tcpa,
    }  # fmt: skip
