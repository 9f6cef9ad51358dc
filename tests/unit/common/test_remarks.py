"""Remarks beside contacts: words that forbid are recognised, and only a clear no allows."""

import pytest

from common.compliance.remarks import read_note, read_remark


@pytest.mark.parametrize(
    "text",
    [
        "DNC National", "DNC - number on list", "DNC 05/03/2021", "DNC 0515", "DNC no contact", "do not call now", "do not call no more",
        "Litigator - notified", "TCPA nuisance", "DoNotCall", "DND", "unsub", "dec'd", "decd", "WN", "disco", "reassigned",
        "belongs to someone else", "no llamar", "fallecido", "\u274c", "\U0001f6ab", "\u2620", "spamtrap",
    ],
)  # fmt: skip
def test_a_remark_that_forbids_is_recognised(text: str) -> None:
    assert read_remark(text).forbids


@pytest.mark.parametrize(
    "text",
    [
        "DNC: No", "dnc=n", "DNC - clean", "DNC: 0", "DNC false.", "(DNC: none)", "dnc: no, litigator: no", "DNC: No TCPA: No", "not DNC",
        "no DNC", "not on the DNC list", "non-TCPA", "DNC scrubbed", "litigator scrubbed 2026", "absentee, scrubbed against DNC",
        "not a litigator", "cell", "\u2713",
    ],
)  # fmt: skip
def test_a_clear_no_forbids_nothing(text: str) -> None:
    assert not read_remark(text).forbids
    assert not read_note(text).forbids


@pytest.mark.parametrize("text", ["\u2020", "dec'd", "fallecida", "deceased"])
def test_a_sign_of_death_sets_the_deceased_flag(text: str) -> None:
    assert read_remark(text).deceased
