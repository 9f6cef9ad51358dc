"""What the demo may do where, and how it ends when a step does not."""

from pathlib import Path
from typing import Any

import pytest

from cli import feeding
from cli.errors import UsageError
from cli.feeding import UnfinishedError, follow
from cli.settings import CliSettings
from cli.stage import Stage

URL = "http://127.0.0.1:8090"
STOOD_IN: dict[str, Any] = {
    "sandbox_url": URL,
    "clock_file": Path("/clock"),
    "melissa_url": f"{URL}/melissa",
    "melissa_license_key": "x",
    "batchdata_url": f"{URL}/batchdata",
    "batchdata_token": "x",
    "instantly_base_url": f"{URL}/instantly",
    "instantly_api_key": "x",
}


def test_it_goes_on_to_the_campaign_only_with_the_sandbox_and_a_clock() -> None:
    assert Stage.of(CliSettings(**STOOD_IN)) == Stage(URL, Path("/clock"))
    for missing in ("sandbox_url", "clock_file", "instantly_base_url"):
        settings = CliSettings(**{name: value for name, value in STOOD_IN.items() if name == "clock_file" != missing})
        assert Stage.of(settings) is None


@pytest.mark.parametrize(
    "real",
    [
        {"melissa_url": "https://personator.melissadata.net"},
        {"batchdata_url": None},
        {"instantly_base_url": "https://api.instantly.ai"},
        {"sandbox_url": None},
        {"melissa_url": f"{URL}0/melissa"},
    ],
)
def test_a_real_vendor_is_never_asked_about_invented_people(real: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="invented people"):
        Stage.of(CliSettings(**STOOD_IN | real))


async def test_a_step_that_comes_no_further_ends_the_demo_and_says_which_and_where_to_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeding, "_PATIENCE_SECONDS", 0.0)

    async def stuck() -> tuple[int, int]:
        return 512, 954

    with pytest.raises(UnfinishedError, match=r"tracing.*512 of 954") as ended:
        await follow("tracing", stuck, "Look there.")
    assert (ended.value.advice, ended.value.exit_code) == ("Look there.", 1)


async def test_who_is_asked_by_file_counts_nothing_at_the_sandbox(tmp_path: Path) -> None:
    assert await feeding._counted(Stage("http://127.0.0.1:1", tmp_path / "clock"), "tlo") is None
