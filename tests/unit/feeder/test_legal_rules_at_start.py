"""The feeder decides about contacts, so it does not start with legal rules that are wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.compliance import legal_rules
from common.compliance.rule_file import LegalRulesError
from feeder.app import build
from feeder.settings import FeederSettings


@pytest.fixture
def wrong_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    file = tmp_path / "rules.yaml"
    file.write_text("- id: hours-ky\n  kind: calling_hour\n")
    monkeypatch.setattr(legal_rules, "RULES_FILE", file)
    legal_rules.legal_rules.cache_clear()
    yield
    legal_rules.legal_rules.cache_clear()


@pytest.mark.usefixtures("wrong_rules")
def test_the_feeder_names_the_wrong_rule_instead_of_starting() -> None:
    with pytest.raises(LegalRulesError, match="hours-ky"):
        build(FeederSettings())
