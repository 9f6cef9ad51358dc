"""Who goes into a file: leads that lack something that nobody else can still supply, and nobody who must be left alone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from skiptrace.codes import CodeMap, Flags
from skiptrace.handing_out import why_not
from skiptrace.lead import Asked, Contact, Lead, Person, Since, Want
from skiptrace.router import Offer, Policy
from skiptrace.vendors.tlo import Tlo

NOW = datetime.now(UTC)
SINCE = Since(NOW - timedelta(days=180), NOW - timedelta(days=180))
REACH = frozenset({Want.PHONE, Want.EMAIL})
MELISSA = Offer("melissa", frozenset({Want.MAK}), REACH, Decimal(3))
BATCHDATA = Offer("batchdata", REACH, frozenset(), Decimal(10))
POLICY = Policy(wants=REACH | {Want.MAK}, order=("melissa", "batchdata"))
PERSON = Person("Marjorie", "Holt", None, "418 Palmetto Ave", None, "Dunedin", "FL", "34698", None, None)
HAD_THEIR_TURN = {"melissa": Asked(answered=1), "batchdata": Asked(answered=1)}
TRUSTS_NOBODY = CodeMap([("tlo", "phone", "found", Flags()), ("tlo", "email", "found", Flags())])
TRUSTS_TLO = CodeMap([("tlo", name, "found", Flags(verified=True)) for name in ("phone", "email")])


def lead(**more: Any) -> Lead:
    known: dict[str, Any] = {"person": PERSON, "mak": "1", "contacts": {}, "asked": dict(HAD_THEIR_TURN)}
    return Lead(UUID(int=1), **known | more)


def phone(**known: Any) -> dict[tuple[str, bytes], Contact]:
    contact = Contact("phone", "+17275550142", b"h", "propstream", 0, **known)
    return {contact.key: contact}


def reason(of: Lead, policy: Policy = POLICY, codes: CodeMap = TRUSTS_NOBODY) -> str | None:
    return why_not(of, [MELISSA, BATCHDATA], Tlo(Decimal(10)).offer, policy, SINCE, codes)


def test_one_whom_the_others_could_not_complete_is_handed_out() -> None:
    assert reason(lead()) is None
    assert reason(lead(contacts=phone(verified=True, verified_at=NOW))) is None  # the email is missing


def test_the_others_have_their_turn_first() -> None:
    assert reason(lead(asked={})) == "online_first"
    assert reason(lead(asked={"melissa": Asked(answered=1)})) == "online_first"


def test_who_has_all_that_is_wanted_is_left_out() -> None:
    only_phone = Policy(wants=frozenset({Want.PHONE, Want.MAK}), order=POLICY.order)
    has_it = lead(contacts=phone(verified=True, verified_at=NOW), mak=None, asked=HAD_THEIR_TURN)
    assert reason(has_it, only_phone) == "complete"


def test_whom_one_must_leave_alone_is_left_alone() -> None:
    for why in ("deceased_owner", "litigator", "erased", "closed", "no_address"):
        assert reason(lead(untraceable=why)) == "untraceable"
    assert reason(lead(person=None)) == "untraceable"
    assert reason(lead(contacts=phone(suppressed=True))) == "suppressed"


def test_nobody_is_asked_twice_in_a_period_or_beyond_the_budget() -> None:
    assert reason(lead(asked=HAD_THEIR_TURN | {"tlo": Asked(answered=1)})) == "asked_or_too_dear"
    budget = Policy(wants=POLICY.wants, order=POLICY.order, max_cents=Decimal(20))
    assert reason(lead(spent_cents=Decimal(13)), budget) == "asked_or_too_dear"


def test_what_nobody_could_verify_is_not_paid_for_unless_the_code_map_trusts_it() -> None:
    spent = lead(asked={"melissa": Asked(answered=2), "batchdata": Asked(answered=1)})
    assert reason(spent) == "nobody_verifies"
    assert reason(spent, codes=TRUSTS_TLO) is None
    assert reason(
        lead(spent_cents=Decimal(8)), Policy(wants=POLICY.wants, order=POLICY.order, max_cents=Decimal(20))
    ) == ("nobody_verifies")


asked = st.builds(Asked, answered=st.integers(0, 3), unknown=st.integers(0, 1))


@given(
    st.dictionaries(st.sampled_from(["melissa", "batchdata", "tlo"]), asked),
    st.sampled_from([None, "closed", "erased"]),
    st.booleans(),
    st.integers(0, 30),
)
def test_who_goes_out_never_breaks_a_rule(
    tried: dict[str, Asked], untraceable: str | None, suppressed: bool, spent: int
) -> None:
    policy = Policy(wants=POLICY.wants, order=POLICY.order, max_cents=Decimal(25))
    contacts = phone(suppressed=suppressed, verified=False, verified_at=NOW)
    one = lead(asked=tried, untraceable=untraceable, contacts=contacts, spent_cents=Decimal(spent))
    if reason(one, policy) is None:
        assert untraceable is None
        assert not suppressed
        assert spent + 10 <= 25
        assert one.asked_of("tlo").answered == 0
