"""The campaign file: the shipped one is lawful and complete, and any other is refused with a reason."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from common.ids import BrokerId
from feeder.campaign_file.reader import DEFAULT_FILE, CampaignFileError, read_campaign_file
from feeder.campaign_file.rows import make_campaign_rows

ADDRESS = "1 Test Street, Tampa, FL 33602"
ANN = {"Ann": BrokerId(UUID(int=1))}
BROKERS = ANN | {"Bob": BrokerId(UUID(int=2))}


@pytest.fixture
def raw() -> Any:
    return yaml.safe_load(DEFAULT_FILE.read_text())


def test_there_are_forty_five_personas_and_four_steps_on_days_1_3_5_and_7() -> None:
    file = read_campaign_file(DEFAULT_FILE)
    assert len(file.personas) == 45
    assert {"Carlos", "Priya", "Marcus"} <= {persona.name for persona in file.personas}
    assert [step.day for step in file.sequences["four_steps"]] == [1, 3, 5, 7]


def test_every_email_of_every_persona_has_postal_address_opt_out_and_no_unfilled_blank() -> None:
    rows = make_campaign_rows(read_campaign_file(DEFAULT_FILE), ADDRESS, BROKERS)
    assert len(rows) == 90
    for row in rows:
        for step in row.sequence:
            assert ADDRESS in step["body"]
            assert "{{opt_out_link}}" in step["body"]
            assert "$" not in step["body"] + step["subject"]
    assert "{{consent_link}}" in rows[0].sequence[0]["body"]
    assert len({str(row.sequence) for row in rows}) == 45, "personas write differently"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("Hello. {{opt_out_link}} {{consent_link}}", "postal_address"),
        ("Hello. $postal_address {{consent_link}}", "opt_out_link"),
        ("$postal_address {{opt_out_link}} {{consent_link}} {{shoe_size}}", "no value fills {{shoe_size}}"),
        ("$$postal_address {{opt_out_link}} {{consent_link}}", "postal_address"),
        ("$postal_address {{opt_out_link}} {{consent_link}} {{first Name}}", "no value fills {{first Name}}"),
        ("$postal_address {{opt_out_link}} {{consent_link}} {{firstName}", "no value fills {{firstName}"),
        ("$postal_address {{opt_out_link}} {{consent_link}} firstName}}", "no value fills }}"),
        ("$postal_address {{opt_out_link}} {{consent_link}} {firstName}", "no value fills {firstName}"),
        ("$postal_address {{opt_out_link}} {{consent_link}} {{ lastName }}", "no value fills {{ lastName }}"),
        ("$postal_address {{opt_out_link}} {{consent_link}} " + "x" * 100_000, "at most 100000 characters"),
        ("$postal_address {{opt_out_link}} {{consent_link}} \0", "NUL"),
        ("$postal_address {{opt_out_link}} {{consent_link}} $motto", "no value fills $motto"),
        ("Up to $5,000. $postal_address {{opt_out_link}} {{consent_link}}", "a dollar sign is written $$"),
        ("Up to 5$ $postal_address {{opt_out_link}} {{consent_link}}", "a dollar sign is written $$"),
    ],
)
def test_an_email_that_may_not_be_sent_is_refused(raw: Any, tmp_path: Path, body: str, says: str) -> None:
    raw["sequences"]["four_steps"][0]["body"] = body
    with pytest.raises(CampaignFileError, match=re.escape(says)):
        read_campaign_file(write_file(tmp_path, raw))


@pytest.mark.parametrize(
    ("blank", "says"),
    [
        ("{{firstName|}}", "no fallback"),
        ("{{firstName|<b>}}", "no fallback"),
        ("{{firstName|a}} {{firstName|b}}", "two fallbacks"),
        ("{{opt_out_link|x}}", "takes no fallback"),
        ("{{shoe_size|x}}", "no value fills {{shoe_size}}"),
        ("{{RANDOM|a|b}}", "no value fills {{RANDOM|a|b}}"),
        ("{{firstName|" + "x" * 61 + "}}", "no fallback"),
    ],
)
def test_a_fallback_that_could_not_be_sent_is_refused(raw: Any, tmp_path: Path, blank: str, says: str) -> None:
    raw["sequences"]["four_steps"][0]["body"] += blank
    with pytest.raises(CampaignFileError, match=re.escape(says)):
        read_campaign_file(write_file(tmp_path, raw))


def test_fallbacks_go_to_the_feeder_and_not_into_the_texts(raw: Any, tmp_path: Path) -> None:
    raw["sequences"]["four_steps"][0]["body"] += "{{est_equity | a good part of it}}"
    raw["campaigns"][0]["first_name_fallback"] = "neighbor"
    row = make_campaign_rows(read_campaign_file(write_file(tmp_path, raw)), ADDRESS, ANN)[0]
    assert row.settings["fallbacks"] == {"firstName": "neighbor", "est_equity": "a good part of it"}
    assert row.sequence[0]["body"].endswith("{{est_equity}}")
    raw["campaigns"][0]["first_name_fallback"] = "{{x}}"
    with pytest.raises(CampaignFileError, match="no fallback"):
        read_campaign_file(write_file(tmp_path, raw))


def test_blanks_that_stay_empty_for_many_leads_are_named(raw: Any, tmp_path: Path) -> None:
    assert read_campaign_file(DEFAULT_FILE).list_blanks_without_fallback() == []
    raw["personas"][0]["opening"] = "Dear {{lastName}}, {{est_value|much}}"
    assert read_campaign_file(write_file(tmp_path, raw)).list_blanks_without_fallback() == ["lastName"]


def test_a_file_that_contradicts_itself_is_refused(raw: Any, tmp_path: Path) -> None:
    for change, says in (
        ({"campaigns": [{"name": "X", "sequence": "other"}]}, "no sequence other"),
        ({"campaigns": [{"name": "X", "sequence": "four_steps", "personas": [99]}]}, "persona that is not there"),
        ({"personas": [raw["personas"][0]] * 2}, "one id or name"),
        ({"campaigns": [{"name": "X", "sequence": "four_steps", "personas": [1]}] * 2}, "named 'X - Carlos'"),
        ({"personas": [raw["personas"][0], raw["personas"][1] | {"name": " carlos "}]}, "one id or name"),
        ({"personas": []}, "nothing to send"),
        ({"campaigns": []}, "nothing to send"),
        ({"campaigns": [{"name": "X", "sequence": "four_steps", "personas": []}]}, "at least 1 item"),
        ({"campaigns": [{"name": "X", "sequence": "four_steps", "brokers": []}]}, "at least 1 item"),
        ({"unknown": 1}, "Extra inputs"),
    ):
        with pytest.raises(CampaignFileError, match=says):
            read_campaign_file(write_file(tmp_path, raw | change))
    raw["sequences"]["four_steps"][1]["day"] = 1
    with pytest.raises(CampaignFileError, match="do not rise"):
        read_campaign_file(write_file(tmp_path, raw))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"opening": "Hello {{shoe_size}}"}, "personas.0.opening: no value fills {{shoe_size}}"),
        ({"opening": "I am $persona_name"}, "personas.0.opening: no value fills $persona_name"),
        ({"closing": "Up to $5,000"}, "personas.0.closing: a dollar sign is written $$"),
        ({"role": "guide\0"}, "personas.0.role: there is a NUL character in it"),
        ({"name": "   "}, "personas.0.name: String should have at least 1 character"),
        ({"name": "Car\nlos"}, "personas.0.name: it is not one line of text"),
        ({"id": 2**31}, "personas.0.id"),
    ],
)
def test_a_personas_words_are_read_as_strictly_as_the_emails(
    raw: Any, tmp_path: Path, words: dict[str, Any], problem: str
) -> None:
    raw["personas"][0] |= words
    with pytest.raises(CampaignFileError, match=re.escape(problem)):
        read_campaign_file(write_file(tmp_path, raw))


@pytest.mark.parametrize(("opens", "closes"), [("17:00", "09:00"), ("09:00", "09:00")])
def test_hours_in_which_nothing_would_be_sent_are_refused(raw: Any, tmp_path: Path, opens: str, closes: str) -> None:
    raw["campaigns"][0]["schedule"] |= {"from": opens, "to": closes}
    with pytest.raises(CampaignFileError, match=f"nothing is ever sent from {opens} to {closes}"):
        read_campaign_file(write_file(tmp_path, raw))


def test_a_repeated_key_is_refused_and_its_line_named(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text(DEFAULT_FILE.read_text() + "campaigns: []\n")
    with pytest.raises(CampaignFileError, match=r"'campaigns' occurs twice[^$]*line 173"):
        read_campaign_file(file)


def test_hours_dates_and_no_are_text(tmp_path: Path) -> None:
    file = tmp_path / "plain.yaml"
    text = DEFAULT_FILE.read_text().replace('from: "09:00"', "from: 10:30").replace("name: Carlos", "name: No")
    file.write_text(text.replace("name: Priya", "name: 2026-02-30"))
    read = read_campaign_file(file)
    assert read.campaigns[0].schedule.opens == "10:30"
    assert [persona.name for persona in read.personas[:2]] == ["No", "2026-02-30"]


def test_every_kind_of_line_end_becomes_a_break_and_a_subject_is_one_line(raw: Any, tmp_path: Path) -> None:
    step = raw["sequences"]["four_steps"][0]
    step["body"] = "a\r\nb\rc\n{{opt_out_link}} {{consent_link}} $postal_address"
    step["subject"] = "About $opening"
    raw["personas"][0]["opening"] = "two\nlines for $$5"
    made = make_campaign_rows(read_campaign_file(write_file(tmp_path, raw)), ADDRESS, ANN)[0].sequence[0]
    assert made["body"].startswith("a<br/>b<br/>c<br/>{{opt_out_link}}")
    assert made["subject"] == "About two lines for $5"


def test_a_zone_that_instantly_does_not_know_is_refused(raw: Any, tmp_path: Path) -> None:
    raw["campaigns"][0]["schedule"]["timezone"] = "America/New_York"
    with pytest.raises(CampaignFileError, match="timezone"):
        read_campaign_file(write_file(tmp_path, raw))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xe9",
        b"\x00",
        b"a: [1",
        b"- 1",
        b"!!python/object/apply:os.system [id]",
        b"&a [*a, *a]",
        b"a: !!int b",
        b"a: !!timestamp b",
        b"[" * 9_000,
    ],
)
def test_any_other_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd.yaml"
    file.write_bytes(content)
    with pytest.raises(CampaignFileError, match=r"odd\.yaml"):
        read_campaign_file(file)


def test_two_dollar_signs_are_one(raw: Any, tmp_path: Path) -> None:
    raw["sequences"]["four_steps"][0]["body"] = "Up to $$5,000. $postal_address {{opt_out_link}} {{consent_link}}"
    row = make_campaign_rows(read_campaign_file(write_file(tmp_path, raw)), ADDRESS, ANN)[0]
    assert row.sequence[0]["body"].startswith("Up to $5,000. 1 Test Street")


def test_an_unknown_broker_is_named(raw: Any, tmp_path: Path) -> None:
    raw["campaigns"][0]["brokers"] = ["Lee Ash"]
    with pytest.raises(CampaignFileError, match="Lee Ash"):
        make_campaign_rows(read_campaign_file(write_file(tmp_path, raw)), ADDRESS, ANN)


def write_file(tmp_path: Path, raw: Any) -> Path:
    path = tmp_path / "campaigns.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path
