"""Invalid settings are rejected at the start, each by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError, field_validator

from common.settings import ApiKey
from skiptrace import app
from skiptrace.app import configured_providers, known_providers
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.provider import Provider
from skiptrace.vendors.melissa import MelissaAdapter


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("skiptrace_order", "melissa,melisa"),
        ("skiptrace_order", " , "),
        ("skiptrace_order", "melissa,melissa"),
        ("skiptrace_data_needs", ""),
        ("skiptrace_data_needs", "phone,fax"),
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
        ("skiptrace_first_backoff_seconds", "inf"),
    ],
)
def test_an_invalid_setting_is_rejected_by_name_and_without_its_value(field: str, value: object) -> None:
    values: dict[str, Any] = {field: value}
    with pytest.raises(ValidationError) as caught:
        SkiptraceSettings(**values)
    (fault,) = caught.value.errors()
    assert fault["loc"] == (field,)
    assert "melisa" not in str(fault["input"]) or field == "skiptrace_order"


def test_melissas_actions_are_sent_as_its_documentation_writes_them() -> None:
    assert SkiptraceSettings(melissa_actions=" check, VERIFY ").melissa_actions == "Check,Verify"


def test_a_provider_without_its_key_is_not_used_and_an_empty_key_is_no_key() -> None:
    settings = SkiptraceSettings(melissa_license_key="", batchdata_token="t")
    assert list(configured_providers(settings)) == ["batchdata", "batchdata_dnc", "batchdata_tcpa"]


@dataclass(frozen=True, slots=True)
class Acme(MelissaAdapter):
    """A provider added by docs/guides/adding-a-provider.md: an adapter, its settings, its entry in `known_providers`."""


class WithAcme(SkiptraceSettings):
    """The settings that the guide asks for."""

    acme_key: ApiKey | None = None

    @field_validator("skiptrace_order")
    @classmethod
    def _check_order(cls, order: str) -> str:
        return order


@pytest.mark.parametrize(
    ("acme_key", "used"), [(None, ["batchdata"]), ("", ["batchdata"]), ("its-own", ["acme", "batchdata"])]
)
def test_an_added_provider_is_used_with_its_own_key_only(
    monkeypatch: pytest.MonkeyPatch, acme_key: str | None, used: list[str]
) -> None:
    def with_acme(settings: WithAcme) -> Mapping[str, Provider]:
        key = settings.acme_key.get_secret_value() if settings.acme_key else ""
        return {
            **known_providers(settings),
            "acme": Acme("https://acme.example", key, "Check", Decimal(1), 1, 1, "acme"),
        }

    monkeypatch.setattr(app, "known_providers", with_acme)
    settings = WithAcme(skiptrace_order="acme,melissa,batchdata", batchdata_token="t", acme_key=acme_key)
    providers = configured_providers(settings)
    assert list(providers) == used
    assert all(provider.name == name for name, provider in providers.items())
