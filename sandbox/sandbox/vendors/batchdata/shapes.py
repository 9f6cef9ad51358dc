"""A household as BatchData writes it, in v1 and in v3 (contracts §5.1, §5.2)."""

from collections.abc import Mapping
from typing import Any

from sandbox.people import Address, Person, Phone


def address_of(request: Mapping[str, Any]) -> Address:
    """The property of a skip-trace request: its address, or its parcel (`apn` with county or FIPS code)."""
    place = request.get("propertyAddress")
    if isinstance(place, dict):
        return Address(*(str(place.get(name) or "") for name in ("street", "city", "state", "zip")))
    parcel = str(request.get("apn") or "")
    return Address(
        parcel, str(request.get("county") or request.get("countyFipsCode") or ""), str(request.get("state") or "")
    )


def names_a_property(request: Mapping[str, Any]) -> bool:
    """Whether the request has an address, or a parcel with its county: by name and state, or by FIPS code."""
    if isinstance(request.get("propertyAddress"), dict):
        return address_of(request) != Address("")
    return bool(
        request.get("apn") and (request.get("countyFipsCode") or (request.get("county") and request.get("state")))
    )


def postal(address: Address) -> dict[str, Any]:
    """An address."""
    return {"street": address.street, "city": address.city, "state": address.state, "zip": address.zip}


def callable_phones(person: Person, *, with_tcpa: bool) -> tuple[Phone, ...]:
    """The phones that may be shown: none of a litigator; those on TCPA lists only where asked for."""
    return () if person.is_litigator else tuple(phone for phone in person.phones if with_tcpa or not phone.tcpa)


def person_v1(
    request: Mapping[str, Any], person: Person, *, is_found: bool, with_tcpa: bool, email_key: str, with_id: bool
) -> dict[str, Any]:
    """One of `results.persons`. No match is an entry too: `meta.matched` false, the lists empty."""
    address = postal(address_of(request))
    phones = callable_phones(person, with_tcpa=with_tcpa) if is_found else ()
    return {
        "request": {"requestId": request["requestId"]} if with_id and request.get("requestId") else {},
        "name": _name(person) if is_found else {},
        "propertyAddress": address,
        "mailingAddress": request.get("mailingAddress") or address,
        "phoneNumbers": [_phone_v1(phone) for phone in phones],
        "emails": [{email_key: email, "tested": True} for email in person.emails] if is_found else [],
        "bankruptcy": {},
        "death": {"deceased": is_found and person.is_deceased},
        "dnc": {"tcpa": is_found and any(phone.tcpa for phone in person.phones)},
        "litigator": is_found and person.is_litigator,
        "property": {"id": person.mak, "address": address, "owner": {"name": _name(person), "mailingAddress": address}},
        "meta": {"matched": is_found, "error": False, "errorMessage": None},
    }


def failed_v1(request: Mapping[str, Any], message: str) -> dict[str, Any]:
    """The entry of a request that could not be worked on, among others that could."""
    return {
        "request": {"requestId": request["requestId"]} if request.get("requestId") else {},
        "phoneNumbers": [],
        "emails": [],
        "meta": {"matched": False, "error": True, "errorMessage": message},
    }


def entry_v3(
    index: int, request: Mapping[str, Any], person: Person, *, is_found: bool, with_tcpa: bool
) -> dict[str, Any]:
    """One of `result.data`, with at most three persons."""
    address = postal(address_of(request))
    return {
        "inputIndex": index,
        "input": dict(request),
        "property": {"id": person.mak, "address": address, "mailingAddress": address, "owners": [_name(person)]},
        "persons": [_person_v3(person, address, with_tcpa=with_tcpa)] if is_found else [],
        "meta": {"matched": is_found, "error": False},
    }


def failed_v3(index: int, request: Mapping[str, Any], message: str) -> dict[str, Any]:
    """The v3 entry of a request that could not be worked on."""
    meta = {"matched": False, "error": True, "errorMessage": message}
    return {"inputIndex": index, "input": dict(request), "property": {}, "persons": [], "meta": meta}


def _person_v3(person: Person, address: dict[str, Any], *, with_tcpa: bool) -> dict[str, Any]:
    phones = callable_phones(person, with_tcpa=with_tcpa)
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


def _name(person: Person) -> dict[str, str]:
    return {"first": person.first, "last": person.last, "full": f"{person.first} {person.last}"}


def _phone_v1(phone: Phone) -> dict[str, Any]:
    return {
        "number": phone.number, "type": phone.line, "carrier": phone.carrier, "tested": True, "reachable": phone.reachable,
        "dnc": phone.dnc, "score": phone.score,
    }  # fmt: skip


def _phone_v3(rank: int, phone: Phone) -> dict[str, Any]:
    return {
        "rank": rank, "number": phone.number, "type": phone.line, "carrier": phone.carrier, "tested": True,
        "reachable": phone.reachable, "dnc": phone.dnc, "tcpa": phone.tcpa,
    }  # fmt: skip
