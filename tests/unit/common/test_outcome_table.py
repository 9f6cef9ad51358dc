"""The table of outcomes: one decision for every vendor and status, and a safe default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.vendors.errors import (
    AccessDeniedError,
    BackingOffError,
    InvalidRequestError,
    NotExecutedError,
    OutcomeUnknownError,
    RateLimitedError,
    VendorCallError,
)
from common.vendors.instantly import INSTANTLY
from common.vendors.outcome_table import (
    OVERRIDES,
    STATUS_RULES,
    TRANSPORT_RULES,
    TransportFault,
    error_for_fault,
    error_for_status,
)
from documents.outcome_table import describe_statuses
from pull.vendors.batchdata_responses import BATCHDATA_MCP
from skiptrace.app import known_providers
from skiptrace.settings import SkiptraceSettings

NEW_VENDOR = "a vendor without overrides"
PAID = ["melissa", "batchdata", "batchdata_dnc", "batchdata_tcpa", "batchdata_mcp"]
VENDORS = [*PAID, "instantly", NEW_VENDOR]


def find_error(vendor: str, status: int, *, is_html: bool = False) -> type[VendorCallError] | None:
    error = error_for_status(vendor, status, is_html=is_html)
    return type(error) if error else None


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("statuses", "error"),
    [
        ((200, 201, 202, 204, 299), None),
        ((400, 409, 413, 422), InvalidRequestError),
        ((401, 402, 403), AccessDeniedError),
        ((429,), RateLimitedError),
        ((408, 502, 504, 520, 522, 524, 598, 599), OutcomeUnknownError),
        ((0, 100, 199, 600, 999, -1, 2**60), OutcomeUnknownError),
    ],
)
def test_most_statuses_mean_the_same_for_every_vendor(
    vendor: str, statuses: tuple[int, ...], error: type[VendorCallError] | None
) -> None:
    assert {find_error(vendor, status) for status in statuses} == {error}


@pytest.mark.parametrize(
    ("statuses", "new", "paid", "instantly"),
    [
        ((301, 302, 303, 307, 308, 404, 405, 410, 451), AccessDeniedError, AccessDeniedError, NotExecutedError),
        ((503, 521, 523, 525, 526), NotExecutedError, NotExecutedError, OutcomeUnknownError),
        ((500, 501, 505, 507, 530), OutcomeUnknownError, NotExecutedError, OutcomeUnknownError),
    ],
)
def test_vendors_differ_only_by_their_overrides(
    statuses: tuple[int, ...],
    new: type[VendorCallError],
    paid: type[VendorCallError],
    instantly: type[VendorCallError],
) -> None:
    for status in statuses:
        assert find_error(NEW_VENDOR, status) is new
        assert {find_error(vendor, status) for vendor in PAID} == {paid}
        assert find_error("instantly", status) is instantly


def test_an_html_page_is_not_the_answer_of_a_paid_api() -> None:
    for vendor in PAID:
        assert find_error(vendor, 200, is_html=True) is AccessDeniedError
        assert find_error(vendor, 500, is_html=True) is OutcomeUnknownError
        assert find_error(vendor, 503, is_html=True) is NotExecutedError
    assert find_error("instantly", 200, is_html=True) is None
    assert str(error_for_status("batchdata", 200, is_html=True)) == "access denied: login_page"


@given(st.sampled_from(VENDORS), st.integers(), st.booleans())
def test_no_override_makes_a_lost_response_repeatable(vendor: str, status: int, is_html: bool) -> None:
    """An override may call a server's own error free of charge, and never a status after which every vendor is unknown."""
    common, decided = find_error(NEW_VENDOR, status, is_html=is_html), find_error(vendor, status, is_html=is_html)
    if common is OutcomeUnknownError and decided is not OutcomeUnknownError:
        assert vendor in PAID
        assert 500 <= status < 600
        assert not is_html


@given(st.sampled_from(VENDORS), st.integers(100, 999), st.booleans())
def test_every_error_has_the_status_as_its_code_and_only_a_success_has_none(
    vendor: str, status: int, is_html: bool
) -> None:
    error = error_for_status(vendor, status, is_html=is_html)
    if error is None:
        assert 200 <= status < 300
    else:
        assert error.code in (f"http_{status}", "login_page")


def test_all_calls_to_one_vendor_have_the_same_overrides() -> None:
    assert len({OVERRIDES[name] for name in OVERRIDES if name.startswith("batchdata")}) == 1


def test_overrides_exist_for_names_in_use_only() -> None:
    assert set(OVERRIDES) == {*known_providers(SkiptraceSettings()), BATCHDATA_MCP, INSTANTLY}


def test_every_transport_fault_has_a_rule_and_its_error_that_code() -> None:
    assert set(TRANSPORT_RULES) == set(TransportFault)
    assert {error_for_fault(fault).code for fault in TransportFault} == set(TransportFault)


def test_only_a_call_without_a_connection_is_repeatable() -> None:
    repeatable = {fault for fault in TransportFault if isinstance(error_for_fault(fault), NotExecutedError)}
    assert repeatable == {
        TransportFault.INVALID_URL,
        TransportFault.NAME_NOT_RESOLVED,
        TransportFault.CONNECT_FAILED,
        TransportFault.TLS_FAILED,
        TransportFault.CONNECT_TIMEOUT,
    }


def test_every_rule_gives_its_reason() -> None:
    reasons = [rule.reason for rules in (STATUS_RULES, *OVERRIDES.values()) for rule in rules]
    assert min(map(len, [*reasons, *(rule.reason for rule in TRANSPORT_RULES.values())])) > 20


def test_an_error_is_either_not_executed_or_unknown() -> None:
    for error in (AccessDeniedError, BackingOffError, InvalidRequestError, RateLimitedError):
        assert issubclass(error, NotExecutedError)
    assert not issubclass(OutcomeUnknownError, NotExecutedError)
    assert set(VendorCallError.__subclasses__()) == {NotExecutedError, OutcomeUnknownError}


def test_statuses_are_described_by_class() -> None:
    assert describe_statuses(range(300, 500)) == "3xx, 4xx"
    assert describe_statuses(set(range(500, 600)) - {502}) == "other 5xx"
    assert describe_statuses({429, 408}) == "408, 429"
