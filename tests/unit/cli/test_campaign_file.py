"""The campaign file: what is shipped is lawful and whole, and what is not is refused with a reason."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import campaigns
from cli.errors import UsageError

ADDRESS = "1 Test Street, Tampa, FL 33602"


@pytest.fixture
def raw() -> Any:
    return yaml.safe_load(campaigns.SHIPPED.read_text())


def test_there_are_forty_five_personas_and_four_steps_on_days_1_3_5_and_7() -> None:
    file = campaigns.load(campaigns.SHIPPED)
    assert len(file.personas) == 45
    assert {"Carlos", "Priya", "Marcus"} <= {persona.name for persona in file.personas}
    assert [step.day for step in file.sequences["four_steps"]] == [1, 3, 5, 7]


def test_every_email_of_every_persona_has_postal_address_opt_out_and_no_blank_of_ours() -> None:
    rows = campaigns.rows(campaigns.load(campaigns.SHIPPED), ADDRESS, {"Ann": 1, "Bob": 2})
    assert len(rows) == 90
    for row in rows:
        for step in row["sequence"]:
            assert ADDRESS in step["body"]
            assert "{{opt_out_link}}" in step["body"]
            assert "$" not in step["body"] + step["subject"]
    assert "{{consent_link}}" in rows[0]["sequence"][0]["body"]
    assert len({str(row["sequence"]) for row in rows}) == 45, "personas write differently"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("Hello. {{opt_out_link}} {{consent_link}}", "postal_address"),
        ("Hello. $postal_address {{consent_link}}", "opt_out_link"),
        ("$postal_address {{opt_out_link}} {{consent_link}} {{shoe_size}}", "nobody fills shoe_size"),
        ("$postal_address {{opt_out_link}} {{consent_link}} $motto", "nobody fills .motto"),
        ("Up to $5,000. $postal_address {{opt_out_link}} {{consent_link}}", "a dollar sign is written \\$\\$"),
        ("Up to 5$ $postal_address {{opt_out_link}} {{consent_link}}", "a dollar sign is written \\$\\$"),
    ],
)
def test_an_email_that_may_not_be_sent_is_refused(raw: Any, tmp_path: Path, body: str, says: str) -> None:
    raw["sequences"]["four_steps"][0]["body"] = body
    with pytest.raises(UsageError, match=says):
        campaigns.load(written(tmp_path, raw))


def test_what_does_not_fit_together_is_refused(raw: Any, tmp_path: Path) -> None:
    for change, says in (
        ({"campaigns": [{"name": "X", "sequence": "other"}]}, "no sequence other"),
        ({"campaigns": [{"name": "X", "sequence": "four_steps", "personas": [99]}]}, "persona that is not there"),
        ({"personas": [raw["personas"][0]] * 2}, "one id or name"),
        ({"campaigns": [{"name": "X", "sequence": "four_steps", "personas": [1]}] * 2}, "named 'X - Carlos'"),
        ({"unknown": 1}, "Extra inputs"),
    ):
        with pytest.raises(UsageError, match=says):
            campaigns.load(written(tmp_path, raw | change))
    raw["sequences"]["four_steps"][1]["day"] = 1
    with pytest.raises(UsageError, match="do not rise"):
        campaigns.load(written(tmp_path, raw))


def test_a_zone_that_instantly_does_not_know_is_refused(raw: Any, tmp_path: Path) -> None:
    raw["campaigns"][0]["schedule"]["timezone"] = "America/New_York"
    with pytest.raises(UsageError, match="timezone"):
        campaigns.load(written(tmp_path, raw))


@pytest.mark.parametrize(
    "content", [b"", b"\xe9", b"\x00", b"a: [1", b"- 1", b"!!python/object/apply:os.system [id]", b"&a [*a, *a]"]
)
def test_what_is_no_campaign_file_is_told_without_a_traceback(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd.yaml"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"odd\.yaml"):
        campaigns.load(file)


def test_two_dollar_signs_are_one(raw: Any, tmp_path: Path) -> None:
    raw["sequences"]["four_steps"][0]["body"] = "Up to $$5,000. $postal_address {{opt_out_link}} {{consent_link}}"
    row = campaigns.rows(campaigns.load(written(tmp_path, raw)), ADDRESS, {"Ann": 1})[0]
    assert row["sequence"][0]["body"].startswith("Up to $5,000. 1 Test Street")


def test_a_broker_who_is_not_there_is_named(raw: Any, tmp_path: Path) -> None:
    raw["campaigns"][0]["brokers"] = ["Nobody"]
    with pytest.raises(UsageError, match="Nobody"):
        campaigns.rows(campaigns.load(written(tmp_path, raw)), ADDRESS, {"Ann": 1})


def written(tmp_path: Path, raw: Any) -> Path:
    path = tmp_path / "campaigns.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path
