"""docs/gate.md matches the code: every reason in the order of the gate, with its channels."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from common.compliance import calling_hours, gate
from common.compliance.gate import ContactFacts, decide_contact
from common.compliance.reasons import TEMPORARY_REASONS, ContactReason

PAGE = (Path(__file__).parents[3] / "docs" / "gate.md").read_text()
ROWS = re.findall(r"^\| `([a-z_0-9]+)` \| ([a-z, ]+) \| .+ \|$", PAGE, re.MULTILINE)
NOW = datetime(2026, 11, 17, 18, tzinfo=UTC)


def test_the_page_lists_every_reason_in_the_order_of_the_gate() -> None:
    assert [code for code, _ in ROWS] == [str(reason) for reason in ContactReason]


def test_the_page_names_the_channels_on_which_an_unknown_fact_refuses() -> None:
    shown = {code: channels for code, channels in ROWS if code.endswith("_unknown") and code != "channel_unknown"}
    for channel in ("email", "phone"):
        asked = {str(reason) for reason in decide_contact(replace(ContactFacts(), channel=channel), NOW).reasons}
        assert asked == {code for code, channels in shown.items() if channel in channels or channels == "both"}


def test_the_page_names_the_reasons_that_end_with_time_and_the_limits() -> None:
    paragraph = next(part for part in PAGE.split("\n\n") if "try_again_at" in part)
    assert set(re.findall(r"`([a-z_0-9]+)`", paragraph)) - {"try_again_at"} == {
        str(reason) for reason in TEMPORARY_REASONS
    }
    rows = dict(re.findall(r"^\| `([a-z_0-9]+)` \| [a-z, ]+ \| (.+) \|$", PAGE, re.MULTILINE))
    assert str(gate.DNC_CHECK_MAX_AGE.days) in rows["dnc_check_too_old"]
    assert str(gate.MAX_CALL_ATTEMPTS) in rows["attempts_exhausted"]
    assert str(calling_hours.MAX_CALLS_IN_24_HOURS) in rows["attempts_in_24_hours"]
