"""Every command of `equity leads` on a terminal of 80 and of 120 columns, with `--json`, and with `--help`."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import pytest
from rich.cells import cell_len

from support.commandline import Equity, Ran
from support.feeding import FeedFixture
from support.leads import LeadFixture

WIDTHS = (80, 120)
WHY, REASON = ("--purpose", "monthly report"), ("--reason", "the broker is on holiday")
COMMANDS = ("find", "show", "list", "export", "pause", "resume", "reassign")


def assert_fits(done: Ran, width: int) -> None:
    too_wide = [line for line in done.ok().out.splitlines() if cell_len(line.rstrip()) > width]
    assert too_wide == []


@pytest.fixture
async def lead(leads: LeadFixture, feed_data: FeedFixture) -> UUID:
    """A lead with long values in every section of its page."""
    broker = await feed_data.add_broker(name="A broker with a rather long name of several words LLC")
    lead = await leads.add(
        status="queued", phone="+17275550142", email="a.long.name.of.an.owner@an-even-longer-domain.example",
        assigned_broker_id=broker, owner_first_name="Marjorie Alexandra", owner_last_name="Holt-Abernathy", mak="8034512097",
        property_address="12418 North Palmetto Grove Avenue", property_unit="4B", property_city="Saint Petersburg Beach",
        property_zip="34698", lead_score=62, score_contributions='{"base": 10, "equity": 52}', mailing_address="PO Box 1",
    )  # fmt: skip
    await leads.db.execute("update app.lead_contacts set dnc = true, codes = '{PS01,PS02,PS03,PS07,PS08}'")
    await leads.db.execute(
        """insert into app.pipeline_events (event_id, event_type, lead_id, outcome, source, occurred_at, created_at, payload)
        values ($1, 'lead_unverifiable', $2, 'ruled_out', 'skiptrace', now(), now(), '{"reasons": ["ruled_out", "no_phone"]}')""",
        uuid4(), lead,
    )  # fmt: skip
    await leads.db.execute(
        "insert into pipeline.contact_decisions (lead_id, channel, allowed, reason) values ($1, 'email', false, 'legal_entity')",
        lead,
    )
    await leads.db.execute(
        "insert into app.feed_skips (lead_id, broker_id, local_date, reason) values ($1, $2, '2026-11-16', 'legal_entity')",
        lead, broker,
    )  # fmt: skip
    await leads.db.execute(
        """insert into app.vendor_memberships (lead_id, campaign_id, desired, actual, problem)
        select $1, id, 'out', 'unknown', 'not_created' from app.campaigns""",
        lead,
    )
    await leads.db.execute(
        "insert into app.lead_conflicts (kind, lead_id, column_name, value) values ('key_differs', $1, 'apn_key', 'x')",
        lead,
    )
    return lead


@pytest.mark.parametrize("width", WIDTHS)
async def test_results_fit_the_terminal(
    equity: Equity, leads: LeadFixture, lead: UUID, width: int, tmp_path: Path
) -> None:
    out = str(tmp_path / "leads.csv")
    shown: Sequence[tuple[tuple[object, ...], tuple[str, ...]]] = (
        (("find", "--mak", "8034512097"), (str(lead), "queued")),
        (("list",), (str(lead), "queued")),
        (("show", lead), (str(lead), "Holt-Abernathy", "do not call", "legal_entity", "not_created", "key_differs")),
        (("show", lead, "--reveal", *WHY), ("+17275550142",)),
        (("export", "--out", out, *WHY), ()),
        (("pause", lead, *REASON), ()),
        (("resume", lead, *REASON), ()),
    )
    for arguments, texts in shown:
        done = equity.on_terminal(width, "leads", *arguments)
        assert_fits(done, width)
        assert [text for text in texts if text not in done.out] == [], arguments[0]


@pytest.mark.parametrize("width", WIDTHS)
def test_refused_leads_fit_the_terminal(equity: Equity, width: int) -> None:
    done = equity.on_terminal(width, "leads", "reassign", uuid4(), "--to", "A broker", *REASON)
    assert (done.code, done.out) == (2, "")
    done = equity.on_terminal(width, "leads", "pause", uuid4(), *REASON)
    assert (done.code, "there is no such lead" in done.out) == (3, True)
    assert all(cell_len(line.rstrip()) <= width for line in done.out.splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option_at_every_width(command: str) -> None:
    for width in WIDTHS:
        done = Equity({}).on_terminal(width, "leads", command, "--help")
        assert_fits(done, width)
        assert {"--json", "--help"} <= set(done.out.split())


async def test_json_is_the_only_output_of_every_command(equity: Equity, lead: UUID, tmp_path: Path) -> None:
    arguments: Sequence[tuple[object, ...]] = (
        ("find", "--name", "holt"), ("show", lead), ("list",), ("export", "--out", tmp_path / "leads.csv", *WHY),
        ("pause", lead, *REASON), ("resume", lead, *REASON), ("reassign", lead, "--to", "A broker", *REASON),
    )  # fmt: skip
    for given in arguments:
        done = await equity.soon("leads", *given, "--json")
        assert given[0] == "reassign" or orjson.loads(done.ok().out) is not None
    assert (done.code, done.out) == (2, "")
