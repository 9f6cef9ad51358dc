"""Settings that make no sense are refused at the start, each by its name."""

from typing import Any

import pytest
from pydantic import ValidationError

from skiptrace.app import configured_providers
from skiptrace.settings import SkiptraceSettings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("skiptrace_order", "melissa,melisa"),
        ("skiptrace_order", " , "),
        ("skiptrace_order", "melissa,melissa"),
        ("skiptrace_wants", ""),
        ("skiptrace_wants", "phone,fax"),
        ("skiptrace_batch", 0),
        ("melissa_batch", 0),
        ("melissa_batch", 101),
        ("skiptrace_call_seconds", 0),
        ("melissa_url", "personator.melissadata.net"),
        ("batchdata_url", "ftp://api.batchdata.com"),
        ("batchdata_url", "https://api.batchdata.com/api/v1"),
        ("batchdata_url", "https://proxy.example/batchdata/api/"),
        ("melissa_license_key", "   "),
        ("batchdata_token", "a token"),
        ("batchdata_token", "token\n"),
        ("melissa_actions", ""),
        ("melissa_actions", "Check,Verfy"),
        ("melissa_cents", "NaN"),
        ("skiptrace_pause_seconds", "inf"),
    ],
)
def test_nonsense_is_refused_by_name_and_without_its_value(field: str, value: object) -> None:
    values: dict[str, Any] = {field: value}
    with pytest.raises(ValidationError) as caught:
        SkiptraceSettings(**values)
    (fault,) = caught.value.errors()
    assert fault["loc"] == (field,)
    assert "melisa" not in str(fault["input"]) or field == "skiptrace_order"


def test_melissas_actions_are_sent_as_its_documents_write_them() -> None:
    assert SkiptraceSettings(melissa_actions=" check, VERIFY ").melissa_actions == "Check,Verify"


def test_a_provider_without_its_key_is_not_used_and_an_empty_key_is_none() -> None:
    settings = SkiptraceSettings(melissa_license_key="", batchdata_token="t")
    assert list(configured_providers(settings)) == ["batchdata", "batchdata_dnc", "batchdata_tcpa"]
