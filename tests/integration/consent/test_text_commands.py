"""`equity consent texts`: publish once, refuse with reasons, list."""

from pathlib import Path

import pytest

from cli.shell.errors import REFUSED
from support.commandline import Equity
from support.databases import Database
from support.installation import SECRETS


@pytest.fixture
def equity(database: Database) -> Equity:
    """`equity(...)` of a user who has the login of the service."""
    return Equity({"CONSENT_DATABASE_URL": database.dsn("consent"), **SECRETS})


def test_a_text_is_published_once_and_only_by_a_deliberate_answer(equity: Equity) -> None:
    assert equity("consent", "texts", "list", "--json").ok().json == []
    assert equity("consent", "texts", "publish").code == REFUSED
    assert equity("consent", "texts", "publish", "--yes", "--json").ok().json == {"version": 1, "is_new": True}
    assert equity("consent", "texts", "publish", "--json").ok().json == {"version": 1, "is_new": False}
    [row] = equity("consent", "texts", "list", "--json").ok().json
    assert (row["version"], row["is_current"], row["covers"]) == (1, True, ["calls", "texts"])
    assert "Nothing changed" in equity("consent", "texts", "publish").ok().err


def test_a_changed_text_is_the_next_version_and_a_faulty_one_is_refused_with_every_reason(
    equity: Equity, tmp_path: Path
) -> None:
    shipped = Path("services/consent/consent/consent_text.yaml").read_text(encoding="utf-8")
    equity("consent", "texts", "publish", "--yes").ok()
    other = tmp_path / "text.yaml"
    other.write_text(shipped.replace("These calls and text messages are telemarketing.", "They are telemarketing."))
    assert equity("consent", "texts", "publish", other, "--if-none", "--json").ok().json["version"] == 1
    assert equity("consent", "texts", "publish", other, "--yes", "--json").ok().json == {"version": 2, "is_new": True}
    other.write_text(shipped.replace("artificial or prerecorded", "pleasant").replace("se pueden grabar", "son cortas"))
    refused = equity("consent", "texts", "publish", other, "--yes")
    assert refused.code == REFUSED
    assert "en.voice: it does not say that a voice may be artificial" in refused.err
    assert "en.voice: it does not say that a voice may be prerecorded" in refused.err
    assert "es.recording" in refused.err
    assert [row["version"] for row in equity("consent", "texts", "list", "--json").ok().json] == [2, 1]
