"""docs/gate.md matches the code: every reason in the order of the gate, with its channels."""

import re
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import get_args

from common.compliance import gate
from common.compliance.gate import Channel, ContactFacts, Purpose, decide_contact
from common.compliance.legal_rules import legal_rules
from common.compliance.reasons import TEMPORARY_REASONS, ContactReason

PAGE = (Path(__file__).parents[3] / "docs" / "gate.md").read_text()
ROWS = re.findall(r"^\| `([a-z_0-9]+)` \| ([a-z, ]+) \| .+ \|$", PAGE.partition("## What is asked")[2], re.MULTILINE)
NOW = datetime(2026, 11, 17, 18, tzinfo=UTC)


def test_the_page_lists_every_reason_in_the_order_of_the_gate() -> None:
    assert [code for code, _ in ROWS] == [str(reason) for reason in ContactReason]


def test_the_page_names_the_channels_on_which_an_unknown_fact_refuses() -> None:
    shown = {code: asked_for for code, asked_for in ROWS if code.endswith("_unknown") and code != "channel_unknown"}
    for channel, purpose in product(get_args(Channel), get_args(Purpose)):
        facts = ContactFacts(channel=channel, purpose=purpose)
        asked = {str(reason) for reason in decide_contact(facts, NOW).reasons}
        assert asked | {"purpose_unknown"} == {
            code
            for code, asked_for in shown.items()
            if {channel, purpose, f"{purpose} {channel}", "both"} & set(asked_for.split(", "))
        }


def test_the_page_names_the_reasons_that_end_with_time_and_the_limits() -> None:
    paragraph = next(part for part in PAGE.split("\n\n") if "try_again_at" in part)
    assert set(re.findall(r"`([a-z_0-9]+)`", paragraph)) - {"try_again_at"} == {
        str(reason) for reason in TEMPORARY_REASONS
    }
    rows = dict(re.findall(r"^\| `([a-z_0-9]+)` \| [a-z, ]+ \| (.+) \|$", PAGE, re.MULTILINE))
    law = legal_rules().law_of("FL", NOW.date())
    assert str(law.dnc_check_max_age.days) in rows["dnc_check_too_old"]
    assert str(law.call_limit.in_all) in rows["attempts_exhausted"]
    assert str(law.call_limit.in_24_hours) in rows["attempts_in_24_hours"]
    assert str(gate.REASSIGNED_CHECK_MAX_AGE.days) in rows["reassigned_unknown"]
