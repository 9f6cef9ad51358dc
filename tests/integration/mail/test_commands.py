"""`equity mails list`, `show` and `retry`: what became of a mail, without its words, and a repeat on purpose."""

import json

import pytest

from support.commandline import Equity
from support.consents import EMAIL
from support.databases import Database
from support.installation import SECRETS
from support.mails import MailFixture


@pytest.fixture
def equity(database: Database) -> Equity:
    """`equity(...)` of a user who knows the operators' login and no other."""
    operator = {
        "OPERATOR_DATABASE_URL": database.dsn("operator"),
        "DATABASE_URL": "postgresql://unknown@127.0.0.1:1/none",
    }
    return Equity(operator | SECRETS)


async def end(mails: MailFixture, mail: object, state: str, reason: str) -> None:
    await mails.data.owner.execute(
        "update app.mails set state = $2, reason = $3, finished_at = now() where id = $1", mail, state, reason
    )


async def test_mails_are_listed_and_shown_without_address_and_words(mails: MailFixture, equity: Equity) -> None:
    lead = await mails.add_lead()
    mail_id = await mails.queue(lead)
    await end(mails, await mails.queue(lead), "refused", "rcpt_550")
    listed = equity("mails", "list", "--state", "queued", "--lead", lead, "--json").ok()
    assert [row["id"] for row in listed.json] == [str(mail_id)]
    shown = equity("mails", "show", mail_id, "--json").ok()
    assert shown.json["state"] == "queued"
    for answer in (listed, shown, equity("mails", "show", mail_id).ok()):
        assert EMAIL not in answer.out
        assert "Señora" not in answer.out
    assert equity("mails", "show", lead).code == 2


async def test_a_refused_mail_is_queued_again_and_the_access_is_logged(mails: MailFixture, equity: Equity) -> None:
    lead = await mails.add_lead()
    mail_id = await mails.queue(lead)
    assert equity("mails", "retry", mail_id, "--reason", "x").code != 0, "it waits already"
    await end(mails, mail_id, "refused", "rcpt_550")
    assert equity("mails", "retry", mail_id, "--reason", "mailbox repaired", "--json").ok().json["result"] == "retried"
    row = await mails.row(mail_id)
    assert (row["state"], row["attempts"], row["finished_at"]) == ("queued", 0, None)
    entries = [(entry["command"], entry["purpose"], entry["lead_ids"]) for entry in await mails.data.leads.log()]
    assert entries[-1] == ("mails retry", "mailbox repaired", [lead])


async def test_an_unknown_mail_is_repeated_only_on_purpose(mails: MailFixture, equity: Equity) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    await end(mails, mail_id, "unknown", "answer_lost")
    refused = equity("mails", "retry", mail_id, "--reason", "x")
    assert refused.code != 0
    assert "may have been sent" in refused.err
    assert equity("mails", "retry", mail_id, "--reason", "x", "--unknown").code != 0, "it was not confirmed"
    assert (await mails.row(mail_id))["state"] == "unknown"
    equity("mails", "retry", mail_id, "--reason", "not in the log", "--unknown", "--yes").ok()
    assert (await mails.row(mail_id))["state"] == "queued"


async def test_an_erased_mail_cannot_be_repeated(mails: MailFixture, equity: Equity) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    await mails.data.owner.execute("update app.mails set content_ciphertext = null")
    await end(mails, mail_id, "refused", "erased")
    assert "erased" in equity("mails", "retry", mail_id, "--reason", "x").err
    assert json.loads(equity("mails", "list", "--json").ok().out)[0]["reason"] == "erased"
