"""BatchData's phone checks: only a plain `false` says that a number is on no list (vendor contracts §5.4)."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from skiptrace.lead import Found, Person, Question, Want
from skiptrace.provider import RefusedError, Reply, UnknownAnswerError, UnpaidError
from skiptrace.vendors.batchdata_phones import BatchDataPhones

PERSON = Person("Marjorie", "Holt", None, "418 Palmetto Ave", None, "Dunedin", "FL", "34698", None, None)
P1, P2 = "+17275550142", "+17275550177"
ASKED = [
    Question(UUID(int=1), PERSON, phones=(P1, P2)),
    Question(UUID(int=2), PERSON, phones=(P2,)),
]


def check(want: Want = Want.DNC) -> BatchDataPhones:
    return BatchDataPhones("https://api.example/", "token", want, Decimal(2), 3_000)


def reply(*entries: Any, code: Any = 200) -> Reply:
    body = {"status": {"code": code, "text": "OK"}, "results": {"phoneNumbers": list(entries)}}
    return Reply(200, "application/json", json.dumps(body).encode())


def test_each_number_is_asked_about_and_paid_for_once() -> None:
    request = check(Want.TCPA).request(ASKED)
    assert request.url == "https://api.example/api/v1/phone/tcpa"
    assert request.headers["Authorization"] == "Bearer token"
    assert request.body == {"requests": ["7275550142", "7275550177"]}
    assert check().cost_cents(check().read(ASKED, reply())) == 4


def test_verdicts_go_to_the_numbers_that_were_asked_about_in_whatever_form_they_come() -> None:
    entries = (
        {"number": 7275550142, "dnc": False},
        {"number": "(727) 555-0177", "dnc": True},
        {"number": "8135550100", "dnc": True},
    )
    first, second = check().read(ASKED, reply(*entries))
    assert first.contacts == (
        Found("phone", P1, ("not_dnc",), is_check=True),
        Found("phone", P2, ("dnc",), is_check=True),
    )
    assert second.contacts == (Found("phone", P2, ("dnc",), is_check=True),)


@pytest.mark.parametrize(
    "entry",
    [
        {"number": "7275550142", "dnc": "false"}, {"number": "7275550142", "dnc": None}, {"number": "7275550142"},
        {"number": "7275550142", "dnc": 0}, {"number": "7275550142", "dnc": {}}, {"dnc": False}, {"number": None, "dnc": False},
        {"number": "7275550142", "tcpa": False}, {"number": "5550142", "dnc": False}, "7275550142", None, 7275550142,
    ],
)  # fmt: skip
def test_a_verdict_that_is_missing_or_of_another_type_says_nothing(entry: Any) -> None:
    (finding, _) = check().read(ASKED, reply(entry))
    assert finding.contacts[0] == Found("phone", P1, (), is_check=True)
    assert not finding.matched


@pytest.mark.parametrize("verdict", [True, "true", "Yes", 1])
def test_a_yes_counts_in_any_type(verdict: Any) -> None:
    for want in (Want.DNC, Want.TCPA):
        (finding, _) = check(want).read(ASKED, reply({"number": "7275550142", want.value: verdict}))
        assert finding.contacts[0].codes == (want.value,)


def test_a_number_that_is_there_twice_has_both_verdicts() -> None:
    entries = ({"number": "7275550142", "dnc": False}, {"number": "7275550142", "dnc": True})
    assert check().read(ASKED, reply(*entries))[0].contacts[0].codes == ("dnc", "not_dnc")


def test_refusals_are_told_from_answers() -> None:
    with pytest.raises(RefusedError):
        check().read(ASKED, Reply(200, "text/html", b"<html>Log in</html>"))
    with pytest.raises(RefusedError):
        check().read(ASKED, reply(code=403))
    with pytest.raises(UnpaidError):
        check().read(ASKED, reply(code="500"))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"status":{"code":200}}', b'{"status":{"code":200},"results":[]}',
        b'{"status":{"code":200},"results":{"phoneNumbers":{"0":{"number":"7275550142","dnc":false}}}}',
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_read_may_have_been_paid_for(body: bytes) -> None:
    with pytest.raises(UnknownAnswerError):
        check().read(ASKED, Reply(200, "application/json", body))
