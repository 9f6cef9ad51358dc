"""`equity replies list`, `show` and `stats`: texts only in `show --reveal`, whose access is logged."""

from uuid import uuid4

import pytest

from support.commandline import Equity
from support.installation import SECRETS
from support.replies import EMAIL, RepliesFixture, webhook

TEXT = "How does that work with my roof of 1971?"
SUBJECT = "Re: your home on Palmetto"
PRIVATE = (TEXT, "roof", SUBJECT, "Palmetto Ave", EMAIL, "+17275550142", "7275550142", "Holt")
REVEAL = ("--reveal", "--purpose", "complaint of 3 May")


@pytest.fixture
def equity(data: RepliesFixture) -> Equity:
    """`equity(...)` of a user who knows the operators' login and no other."""
    operator = {
        "OPERATOR_DATABASE_URL": data.installation.database.dsn("operator"),
        "DATABASE_URL": "postgresql://unknown@127.0.0.1:1/none",
    }
    return Equity(operator | SECRETS)


def assert_private(*texts: str) -> None:
    """Fail where a text names the person or repeats the person's words."""
    assert [word for word in PRIVATE for text in texts if word in text] == []


async def test_lists_and_counts_have_no_address_and_no_words(by_rules: RepliesFixture, equity: Equity) -> None:
    lead = await by_rules.add_lead()
    other = await by_rules.add_lead("other@example.com")
    [question] = await by_rules.deliver(webhook(reply_text=TEXT, reply_subject=SUBJECT, lead_id=str(lead)))
    [stop] = await by_rules.deliver(webhook(reply_text="STOP", lead_id=str(other), lead_email="other@example.com"))
    first, second = [str((await by_rules.reply(sent))["id"]) for sent in (question, stop)]
    listed = (await equity.soon("replies", "list", "--json")).ok()
    assert [(row["id"], row["route"]) for row in listed.json] == [(second, "opt_out"), (first, "question")]
    assert {row["broker"] for row in listed.json} == {"Palmetto Home Equity"}
    for option in (("--lead", lead), ("--route", "question"), ("--intent", "other"), ("--broker", by_rules.broker)):
        rows = (await equity.soon("replies", "list", *option, "--json")).ok().json
        assert first in [row["id"] for row in rows], option
        assert len(rows) == (2 if option[0] == "--broker" else 1), option
    assert (await equity.soon("replies", "list", "--since", "2200-01-01", "--json")).ok().json == []
    counted = (await equity.soon("replies", "stats", "--since", "1h", "--json")).ok()
    assert {(row["intent"], row["route"]): row["replies"] for row in counted.json} == {
        ("other", "question"): 1, ("unsubscribe", "opt_out"): 1,
    }  # fmt: skip
    tables = [(await equity.soon("replies", command)).ok() for command in ("list", "stats")]
    assert_private(*(ran.out + ran.err for ran in (listed, counted, *tables)))
    assert await by_rules.leads.log() == []


async def test_only_show_with_reveal_opens_the_text_and_logs_the_access(
    by_rules: RepliesFixture, equity: Equity
) -> None:
    lead = await by_rules.add_lead()
    [sent] = await by_rules.deliver(webhook(reply_text=TEXT, reply_subject=SUBJECT, lead_id=str(lead)))
    reply = (await by_rules.reply(sent))["id"]
    closed = (await equity.soon("replies", "show", reply, "--json")).ok()
    assert (closed.json["lead_id"], closed.json["intent"], closed.json["route"]) == (str(lead), "other", "question")
    assert [one["classified_by"] for one in closed.json["classifications"]] == ["rules"]
    page = (await equity.soon("replies", "show", reply)).ok()
    assert_private(closed.out + closed.err, page.out + page.err)
    assert await by_rules.leads.log() == []
    opened = (await equity.soon("replies", "show", reply, *REVEAL, "--json")).ok().json
    assert (opened["text"], opened["subject"]) == (TEXT, SUBJECT)
    assert TEXT in (await equity.soon("replies", "show", reply, *REVEAL)).ok().out
    entries = [(row["command"], row["purpose"], row["lead_ids"], row["reveals"]) for row in await by_rules.leads.log()]
    assert entries == [("replies show", "complaint of 3 May", [lead], True)] * 2


async def test_nothing_is_opened_without_a_purpose_or_the_right_key(by_rules: RepliesFixture, equity: Equity) -> None:
    lead = await by_rules.add_lead()
    [sent] = await by_rules.deliver(webhook(reply_text=TEXT, lead_id=str(lead)))
    reply = (await by_rules.reply(sent))["id"]
    without = await equity.soon("replies", "show", reply, "--reveal")
    assert without.code == 2
    assert "--purpose" in without.err
    assert await by_rules.leads.log() == []
    wrong = (await equity.soon("replies", "show", reply, *REVEAL, "--json", ENCRYPTION_KEY="3" * 64)).ok()
    assert wrong.json["text"] == "(not readable)"
    assert_private(without.out + without.err, wrong.out + wrong.err)


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("list", "--lead", uuid4()), 3, "There is no lead"),
        (("list", "--lead", "12"), 2, "is not an id"),
        (("list", "--broker", "Gulf"), 2, "There is no broker"),
        (("list", "--route", "answer"), 2, "consent_link"),
        (("list", "--intent", "stop"), 2, "unsubscribe"),
        (("list", "--state", "open"), 2, "content_missing"),
        (("show", uuid4()), 3, "There is no reply"),
    ],
)
async def test_what_is_unknown_is_said_with_its_exit_code(
    data: RepliesFixture, equity: Equity, arguments: tuple[object, ...], code: int, problem: str
) -> None:
    ran = equity("replies", *arguments, "--json")
    assert ran.code == code
    assert problem in ran.err
    assert ran.out == ""
