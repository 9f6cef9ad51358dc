"""Settings of a local installation: the sandbox replaces each vendor until the vendor's own key is set."""

from pathlib import Path
from typing import Any

import pytest

from cli.shell.settings import CliSettings
from consent.settings import ConsentSettings
from feeder.settings import FeederSettings
from local_services.stand_ins import STAND_INS, with_stand_ins
from pull.settings import PullSettings
from replies.settings import RepliesSettings
from sandbox.settings import SandboxSettings
from skiptrace.settings import SkiptraceSettings

URL, HOME = "http://127.0.0.1:8090", Path("/here/.local")


def test_without_settings_every_vendor_is_the_sandbox_and_the_clock_can_be_moved() -> None:
    values = with_stand_ins({}, {}, URL, HOME)
    assert values["MELISSA_URL"] == f"{URL}/melissa"
    assert values["BATCHDATA_URL"] == f"{URL}/batchdata"
    assert values["INSTANTLY_BASE_URL"] == f"{URL}/instantly"
    assert values["CLOCK_FILE"] == "/here/.local/clock"
    assert with_stand_ins(values, values, URL, HOME) == values


@pytest.mark.parametrize("key", STAND_INS)
@pytest.mark.parametrize("where", ["kept", "exported"])
def test_a_vendor_with_a_real_key_has_no_sandbox_settings_and_the_clock_cannot_be_moved(key: str, where: str) -> None:
    before = with_stand_ins({}, {}, URL, HOME)
    real = {key: "real"}
    kept = before | (real if where == "kept" else {})
    values = with_stand_ins(kept, real if where == "exported" else {}, URL, HOME)
    assert set(values) == set(before) - set(STAND_INS[key]) - {"CLOCK_FILE"} | ({key} if where == "kept" else set())
    assert values.get(key, "real") == "real"


def test_values_that_are_set_are_kept() -> None:
    given = {
        "MELISSA_RECORDS_PER_SECOND": "5",
        "CLOCK_FILE": "/elsewhere/clock",
        "INSTANTLY_BASE_URL": "http://other/x",
    }
    values = with_stand_ins(given, {}, URL, HOME)
    assert given.items() <= values.items()
    assert values["INSTANTLY_API_KEY"] == "sandbox-instantly-key"


def test_stand_in_keys_are_sandbox_keys_and_stand_in_names_are_settings() -> None:
    fields: Any = SandboxSettings.model_fields
    stand_in_settings = {name: value for values in STAND_INS.values() for name, value in values.items()}
    for name, field in (
        ("MELISSA_LICENSE_KEY", "sandbox_melissa_license"),
        ("BATCHDATA_TOKEN", "sandbox_batchdata_token"),
        ("INSTANTLY_API_KEY", "sandbox_instantly_key"),
        ("OPENROUTER_API_KEY", "sandbox_openrouter_key"),
    ):
        assert stand_in_settings[name] == fields[field].default.get_secret_value()
    settings_classes = (
        PullSettings, SkiptraceSettings, FeederSettings, RepliesSettings, ConsentSettings, SandboxSettings, CliSettings
    )  # fmt: skip
    assert {name.lower() for name in stand_in_settings} <= {
        name for settings in settings_classes for name in settings.model_fields
    }
