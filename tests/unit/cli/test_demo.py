"""Installations in which the demo may run, and its end when a step stalls."""

from pathlib import Path
from typing import Any

import pytest

from cli.demo import feed_run
from cli.demo.feed_result import count_paid_records
from cli.demo.feed_run import StepStalledError, wait_for_step
from cli.demo.sandbox_setup import SandboxSetup
from cli.shell.errors import UsageError
from cli.shell.settings import CliSettings

URL = "http://127.0.0.1:8090"
AT_SANDBOX: dict[str, Any] = {
    "sandbox_url": URL,
    "clock_file": Path("/clock"),
    "melissa_url": f"{URL}/melissa",
    "melissa_license_key": "x",
    "batchdata_url": f"{URL}/batchdata",
    "batchdata_token": "x",
    "instantly_base_url": f"{URL}/instantly",
    "instantly_api_key": "x",
    "openrouter_base_url": f"{URL}/openrouter",
    "openrouter_api_key": "x",
}


def test_the_demo_feeds_campaigns_only_with_the_sandbox_and_a_clock() -> None:
    assert SandboxSetup.from_settings(CliSettings(**AT_SANDBOX)) == SandboxSetup(URL, Path("/clock"))
    for missing in ("sandbox_url", "clock_file", "instantly_base_url"):
        settings = CliSettings(**{name: value for name, value in AT_SANDBOX.items() if name == "clock_file" != missing})
        assert SandboxSetup.from_settings(settings) is None


@pytest.mark.parametrize(
    "real",
    [
        {"melissa_url": "https://personator.melissadata.net"},
        {"batchdata_url": None},
        {"instantly_base_url": "https://api.instantly.ai"},
        {"openrouter_base_url": None},
        {"smtp_url": "smtp://mail.example.com"},
        {"sandbox_url": None},
        {"melissa_url": f"{URL}0/melissa"},
    ],
)
def test_a_real_vendor_is_never_asked_about_invented_people(real: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="invented people"):
        SandboxSetup.from_settings(CliSettings(**AT_SANDBOX | real))


async def test_a_step_that_stalls_ends_the_demo_with_its_name_and_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_run, "_STALLED_SECONDS", 0.0)

    async def count_progress() -> tuple[int, int]:
        return 512, 954

    with pytest.raises(StepStalledError, match=r"tracing.*512 of 954") as ended:
        await wait_for_step("tracing", count_progress, "Look there.")
    assert (ended.value.advice, ended.value.exit_code) == ("Look there.", 1)


async def test_a_provider_that_works_by_file_has_no_count_at_the_sandbox(tmp_path: Path) -> None:
    assert await count_paid_records(SandboxSetup("http://127.0.0.1:1", tmp_path / "clock"), "tlo") is None
