"""BatchData's contract, v1 and v3, by the shapes of its documentation (vendor contracts §5)."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from skiptrace.lead import Found, Person, Question
from skiptrace.provider import (
    BadQuestionError,
    ProviderError,
    RefusedError,
    Reply,
    ThrottledError,
    UnknownAnswerError,
    UnpaidError,
)
from skiptrace.vendors.batchdata import BatchData

LEAD, OTHER = UUID(int=1), UUID(int=2)
V1 = BatchData("https://api.example", "token", "v1", Decimal(10), 3_000, 100)
V3 = BatchData("https://api.example", "token", "v3", Decimal(10), 3_000, 100)


def question(lead_id: UUID = LEAD, street: str = "418 Palmetto Ave") -> Question:
    return Question(lead_id, Person("Marjorie", "Holt", None, street, None, "Dunedin", "FL", "34698", None, None))


PERSON: dict[str, Any] = {
    "request": {"requestId": str(LEAD)},
    "name": {"first": "Marjorie", "middle": "A", "last": "Holt", "full": "Marjorie A Holt"},
    "propertyAddress": {"street": "418 Palmetto Ave", "city": "Dunedin", "state": "FL", "zip": "34698"},
    "phoneNumbers": [
        {
            "number": "7275550142",
            "type": "Land Line",
            "carrier": "Frontier",
            "tested": True,
            "reachable": True,
            "dnc": False,
        },
        {
            "number": "7275550177",
            "type": "Mobile",
            "carrier": "Verizon",
            "tested": True,
            "reachable": False,
            "dnc": True,
        },
    ],
    "emails": [{"email": "marjorie.holt@example.com", "tested": True}, {"address": "M.Holt@example.com"}],
    "bankruptcy": {},
    "death": {"deceased": False},
    "dnc": {"tcpa": False},
    "litigator": False,
    "meta": {"matched": True, "error": False, "errorMessage": None},
}


def v1(*persons: dict[str, Any], code: int = 200) -> Reply:
    body = {"status": {"code": code, "text": "OK"}, "results": {"persons": list(persons), "meta": {}}}
    return Reply(200, "application/json", json.dumps(body).encode())


def test_the_request_is_the_documented_one() -> None:
    request = V1.request([question()])
    assert request.url == "https://api.example/api/v1/property/skip-trace"
    assert request.headers["Authorization"] == "Bearer token"
    assert request.body["requests"] == [
        {
            "requestId": str(LEAD),
            "propertyAddress": {"street": "418 Palmetto Ave", "city": "Dunedin", "state": "FL", "zip": "34698"},
            "name": {"first": "Marjorie", "last": "Holt"},
        }
    ]
    assert "token" not in repr(request)


def test_phones_and_emails_come_with_their_codes_under_either_key() -> None:
    (finding,) = V1.read([question()], v1(PERSON))
    assert finding.matched
    assert finding.contacts == (
        Found("phone", "+17275550142", ("landline", "reachable", "not_dnc")),
        Found("phone", "+17275550177", ("mobile", "unreachable", "dnc")),
        Found("email", "marjorie.holt@example.com", ("tested",)),
        Found("email", "m.holt@example.com", ()),
    )


def test_persons_without_a_request_id_are_known_by_their_address_else_by_order() -> None:
    nameless = {name: value for name, value in PERSON.items() if name != "request"}
    elsewhere = nameless | {"propertyAddress": {"street": "9 Elm St", "zip": "33601"}, "emails": [], "phoneNumbers": []}
    asked = [question(OTHER, "9 Elm St"), question()]
    findings = V1.read(asked, v1(nameless, elsewhere))
    assert [len(finding.contacts) for finding in findings] == [0, 4]
    homeless = nameless | {"propertyAddress": {}}
    findings = V1.read(asked, v1(elsewhere | {"propertyAddress": {}}, homeless))
    assert [len(finding.contacts) for finding in findings] == [0, 4]


def test_no_match_costs_nothing_and_a_match_does() -> None:
    nobody = {"request": {"requestId": str(LEAD)}, "phoneNumbers": [], "emails": [], "meta": {"matched": False}}
    findings = V1.read([question()], v1(nobody))
    assert not findings[0].matched
    assert V1.cost_cents(findings) == 0
    assert V1.cost_cents(V1.read([question()], v1(PERSON))) == 10


def test_litigators_and_the_dead_are_named() -> None:
    (finding,) = V1.read(
        [question()], v1(PERSON | {"litigator": True, "phoneNumbers": [], "death": {"deceased": True}})
    )
    assert finding.person_codes == ("deceased", "litigator")


@pytest.mark.parametrize(("flag", "codes"), [("true", ("dnc",)), (1, ("dnc",)), ("false", ()), (None, ())])
def test_a_yes_of_a_do_not_call_list_counts_in_any_type_and_a_no_in_its_own_alone(flag: object, codes: Any) -> None:
    phones = [{"number": "7275550142", "dnc": flag}]
    [finding] = V1.read([question()], v1(PERSON | {"phoneNumbers": phones, "emails": []}))
    assert finding.contacts == (Found("phone", "+17275550142", codes),)


def test_a_number_of_two_owners_has_the_codes_of_both() -> None:
    phone = {"number": "7275550142", "type": "Mobile", "dnc": True}
    other = PERSON | {"phoneNumbers": [phone], "emails": []}
    (finding,) = V1.read([question()], v1(PERSON, other))
    assert finding.contacts[0] == Found("phone", "+17275550142", ("landline", "reachable", "not_dnc", "mobile", "dnc"))


@pytest.mark.parametrize(
    ("flag", "said"), [(True, True), ("true", True), ("Yes", True), (1, True), ("", False), (0, False), (None, False)]
)
def test_a_flag_that_speaks_for_leaving_somebody_alone_counts_in_any_type(flag: Any, said: bool) -> None:
    (finding,) = V1.read([question()], v1(PERSON | {"litigator": flag, "death": {"deceased": flag}}))
    assert finding.person_codes == (("deceased", "litigator") if said else ())


def test_of_several_owners_one_lives() -> None:
    (finding,) = V1.read([question()], v1(PERSON | {"death": {"deceased": True}}, PERSON))
    assert finding.person_codes == ()


def test_v3_names_owners_and_only_they_count() -> None:
    owner = {
        "propertyOwner": True, "litigator": False, "deceased": False,
        "phones": [{"rank": 1, "number": "7275550142", "type": "Mobile", "tested": True, "reachable": True, "dnc": False, "tcpa": True}],
        "emails": [{"rank": 1, "email": "marjorie.holt@example.com", "tested": True}],
    }  # fmt: skip
    tenant = owner | {"propertyOwner": False, "phones": [{"number": "8135550100"}]}
    data = {
        "inputIndex": 0,
        "input": {"requestId": str(LEAD)},
        "persons": [tenant, owner],
        "meta": {"matched": True, "error": False},
    }
    body = {"status": {"code": 200}, "result": {"data": [data], "meta": {"apiVersion": "3"}}}
    (finding,) = V3.read([question()], Reply(200, "application/json", json.dumps(body).encode()))
    assert finding.contacts == (
        Found("phone", "+17275550142", ("mobile", "tcpa", "reachable", "not_dnc")),
        Found("email", "marjorie.holt@example.com", ("tested",)),
    )
    assert V3.request([question()]).url.endswith("/api/v3/property/skip-trace")


def test_a_litigator_is_one_also_where_nothing_was_matched() -> None:
    (finding,) = V1.read([question()], v1(PERSON | {"litigator": True, "phoneNumbers": [], "meta": {"matched": False}}))
    assert (finding.matched, finding.contacts, finding.person_codes) == (False, (), ("litigator",))


def v3(*entries: dict[str, Any]) -> Reply:
    body = {"status": {"code": 200}, "result": {"data": list(entries)}}
    return Reply(200, "application/json", json.dumps(body).encode())


def test_a_match_of_v3_is_paid_for_also_where_no_owner_is_in_it() -> None:
    tenant = {"propertyOwner": "false", "phones": [{"number": "8135550100"}], "emails": []}
    entry = {"inputIndex": 0, "input": None, "persons": [tenant], "meta": {"matched": True}}
    findings = V3.read([question()], v3(entry))
    assert findings[0].matched
    assert findings[0].contacts == ()
    assert V3.cost_cents(findings) == 10


def test_entries_of_v3_that_come_twice_count_together() -> None:
    owner = {"propertyOwner": True, "phones": [{"number": "7275550142", "dnc": True}]}
    entry = {"inputIndex": 0, "input": {"requestId": str(LEAD)}, "persons": [owner], "meta": {"matched": True}}
    (finding,) = V3.read([question()], v3(entry, entry | {"persons": [owner | {"litigator": True}]}))
    assert (finding.contacts, finding.person_codes) == ((Found("phone", "+17275550142", ("dnc",)),), ("litigator",))


def test_an_answer_of_the_other_version_is_read_as_what_it_is() -> None:
    """It may have been stored before the version was changed."""
    assert V3.read([question()], v1(PERSON)) == V1.read([question()], v1(PERSON))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, BadQuestionError), (401, RefusedError), (403, RefusedError), (429, ThrottledError), (500, UnpaidError),
        ("503", UnpaidError), (504, UnknownAnswerError),
    ],
)  # fmt: skip
def test_an_error_inside_a_200_is_the_error_that_it_names(code: Any, error: type[ProviderError]) -> None:
    with pytest.raises(error) as caught:
        V1.read([question()], v1(code=code))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"status":{"code":200}}', b'{"status":{"code":200},"results":{"persons":[4]}}']
)
def test_an_answer_that_cannot_be_read_may_have_been_paid_for(body: bytes) -> None:
    with pytest.raises(UnknownAnswerError):
        V1.read([question()], Reply(200, "application/json", body))


def test_every_number_of_an_entry_is_found_and_a_remark_forbids_it() -> None:
    numbers = [
        {"number": "7275550142 / 7275550177 DNC"},
        {"number": "7275550199", "type": "Wrong number"},
        {"number": 7275550188.0},
    ]
    person = PERSON | {
        "phoneNumbers": numbers,
        "emails": [{"email": "Rosa <rosa@example.com>; b@example.com (opted out)"}],
    }
    found = V1.read([question()], v1(person))[0].contacts
    assert [(one.value, one.forbidden) for one in found] == [
        ("+17275550142", True), ("+17275550177", True), ("+17275550199", True), ("+17275550188", False), ("rosa@example.com", False),
    ]  # fmt: skip
