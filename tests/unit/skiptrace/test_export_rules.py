"""Rules of the export: only leads that the other providers cannot complete, and that may be contacted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from common.ids import LeadId
from skiptrace.file_batches.export_rules import exclusion_reason
from skiptrace.rules.lead import AttemptStats, DataNeed, FreshnessCutoffs, Lead, LeadContact, LeadPerson
from skiptrace.rules.verification_codes import CodeFlags, CodeMap
from skiptrace.rules.waterfall import ProviderCapabilities, WaterfallPolicy
from skiptrace.vendors.tlo import TloAdapter

NOW = datetime.now(UTC)
CUTOFFS = FreshnessCutoffs(NOW - timedelta(days=180), NOW - timedelta(days=180))
CONTACTS = frozenset({DataNeed.PHONE, DataNeed.EMAIL})
MELISSA = ProviderCapabilities("melissa", frozenset({DataNeed.MAK}), CONTACTS, Decimal(3))
BATCHDATA = ProviderCapabilities("batchdata", CONTACTS, frozenset(), Decimal(10))
POLICY = WaterfallPolicy(needs=CONTACTS | {DataNeed.MAK}, order=("melissa", "batchdata"))
PERSON = LeadPerson("Marjorie", "Holt", None, "418 Palmetto Ave", None, "Dunedin", "FL", "34698", None, None)
ASKED_ONLINE = {"melissa": AttemptStats(answered=1), "batchdata": AttemptStats(answered=1)}
TLO_NEEDS_VERIFICATION = CodeMap([("tlo", "phone", "found", CodeFlags()), ("tlo", "email", "found", CodeFlags())])
TLO_IS_TRUSTED = CodeMap([("tlo", channel, "found", CodeFlags(verified=True)) for channel in ("phone", "email")])


def lead(**fields: Any) -> Lead:
    known: dict[str, Any] = {"person": PERSON, "mak": "1", "contacts": {}, "attempts": dict(ASKED_ONLINE)}
    return Lead(LeadId(UUID(int=1)), **known | fields)


def phone(**fields: Any) -> dict[tuple[str, bytes], LeadContact]:
    contact = LeadContact("phone", "+17275550142", b"h", "propstream", 0, **fields)
    return {contact.key: contact}


def policy_with(max_cents: int) -> WaterfallPolicy:
    return WaterfallPolicy(needs=POLICY.needs, order=POLICY.order, max_cents=Decimal(max_cents))


def reason(of: Lead, policy: WaterfallPolicy = POLICY, codes: CodeMap = TLO_NEEDS_VERIFICATION) -> str | None:
    return exclusion_reason(of, [MELISSA, BATCHDATA], TloAdapter(Decimal(10)).capabilities, policy, CUTOFFS, codes)


def test_a_lead_that_the_other_providers_could_not_complete_is_exported() -> None:
    assert reason(lead()) is None
    assert reason(lead(contacts=phone(verified=True, verified_at=NOW))) is None, "the email is missing"


def test_the_online_providers_are_asked_first() -> None:
    assert reason(lead(attempts={})) == "online_first"
    assert reason(lead(attempts={"melissa": AttemptStats(answered=1)})) == "online_first"


def test_a_lead_with_all_needed_data_is_excluded() -> None:
    only_phone = WaterfallPolicy(needs=frozenset({DataNeed.PHONE, DataNeed.MAK}), order=POLICY.order)
    with_phone = lead(contacts=phone(verified=True, verified_at=NOW), mak=None, attempts=ASKED_ONLINE)
    assert reason(with_phone, only_phone) == "complete"


def test_a_lead_that_must_not_be_contacted_is_excluded() -> None:
    for untraceable in ("deceased_owner", "litigator", "erased", "closed", "no_address"):
        assert reason(lead(untraceable=untraceable)) == "untraceable"
    assert reason(lead(person=None)) == "untraceable"
    assert reason(lead(contacts=phone(suppressed=True))) == "suppressed"


def test_tlo_is_asked_once_in_a_period_and_within_the_budget() -> None:
    assert reason(lead(attempts=ASKED_ONLINE | {"tlo": AttemptStats(answered=1)})) == "attempts_or_budget_used"
    assert reason(lead(spent_cents=Decimal(13)), policy_with(max_cents=20)) == "attempts_or_budget_used"


def test_values_that_no_provider_could_verify_are_not_bought_unless_the_code_map_trusts_tlo() -> None:
    all_attempts_used = lead(attempts={"melissa": AttemptStats(answered=2), "batchdata": AttemptStats(answered=1)})
    assert reason(all_attempts_used) == "not_verifiable"
    assert reason(all_attempts_used, codes=TLO_IS_TRUSTED) is None
    assert reason(lead(spent_cents=Decimal(8)), policy_with(max_cents=20)) == "not_verifiable"


stats = st.builds(AttemptStats, answered=st.integers(0, 3), unknown=st.integers(0, 1))


@given(
    st.dictionaries(st.sampled_from(["melissa", "batchdata", "tlo"]), stats),
    st.sampled_from([None, "closed", "erased"]),
    st.booleans(),
    st.integers(0, 30),
)
def test_an_exported_lead_never_breaks_a_rule(
    attempts: dict[str, AttemptStats], untraceable: str | None, suppressed: bool, spent: int
) -> None:
    contacts = phone(suppressed=suppressed, verified=False, verified_at=NOW)
    one = lead(attempts=attempts, untraceable=untraceable, contacts=contacts, spent_cents=Decimal(spent))
    if reason(one, policy_with(max_cents=25)) is None:
        assert untraceable is None
        assert not suppressed
        assert spent + 10 <= 25
        assert one.attempts_at("tlo").answered == 0
