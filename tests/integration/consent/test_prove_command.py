"""`equity consent prove` and `withdraw`: what a firm shows in a dispute, and what the office records."""

import json
import re
from pathlib import Path

import pytest
from pypdf import PdfReader

from common.events import ConsentRevoked, Unsubscribed
from support.commandline import Equity
from support.consent_forms import SELLER, FormVisitor
from support.consents import NUMBER, OTHER_NUMBER, ConsentFixture
from support.databases import Database
from support.installation import SECRETS


@pytest.fixture
def equity(database: Database) -> Equity:
    """`equity(...)` of a user with the logins of the operators and of the service."""
    logins = {f"{name.upper()}_DATABASE_URL": database.dsn(name) for name in ("operator", "consent")}
    return Equity({**logins, "DATABASE_URL": "postgresql://unknown@127.0.0.1:1/none", **SECRETS})


def read_pdf_words(pdf: Path) -> str:
    """Return the text of all pages as a search finds it, without spaces and line breaks."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in PdfReader(pdf).pages))


async def test_a_consent_that_was_withdrawn_and_signed_again_is_proved_word_for_word(
    offered: ConsentFixture, visitor: FormVisitor, equity: Equity, tmp_path: Path
) -> None:
    lead = await offered.add_lead()
    page = await visitor.open(lead)
    browser = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "Browser/1.0"}
    await visitor.post(page.token, name="Łukasz 张伟 🎉", headers=browser)
    said = ("--reason", "called on Monday", "--by", "Dana")
    assert (await equity.soon("consent", "withdraw", lead, *said, "--json")).ok().json["is_new"] is True
    assert (await equity.soon("consent", "withdraw", lead, *said, "--json")).ok().json["is_new"] is False
    assert (await visitor.sign(lead)).status == 200

    proof = (await equity.soon("consent", "prove", lead, "--json")).ok().json
    assert [entry["action"] for entry in proof["entries"]] == ["granted", "withdrawn", "withdrawn", "granted", "lifted"]
    assert proof["is_intact"] is True
    signed = proof["entries"][0]
    assert signed["signer"] == {
        "name": "Łukasz 张伟 🎉", "number": NUMBER, "address": "203.0.113.9", "user_agent": "Browser/1.0", "language": "en",
        "seller": SELLER, "page": "/consent",
    }  # fmt: skip
    shown = re.sub(r"\W+", "", page.words)
    for line in signed["page"].split("\n"):
        assert re.sub(r"\W+", "", line.replace("Button:", "").replace("[ ]", "").replace("______", "")) in shown
    assert "artificial or prerecorded voice" in signed["page"]
    assert proof["entries"][1]["statement"]["reason"] == "called on Monday"
    assert [row["lifted_at"] is not None for row in proof["suppressions"]] == [True]

    text = (await equity.soon("consent", "prove", lead)).ok().out
    for words in ("The chain of proof is intact.", "Łukasz 张伟 🎉", "203.0.113.9", "Taken by: Dana", "Opt-out lifted"):
        assert words in text
    pdf = tmp_path / "proof.pdf"
    (await equity.soon("consent", "prove", lead, "--pdf", pdf)).ok()
    assert pdf.stat().st_mode & 0o777 == 0o600
    assert (await equity.soon("consent", "prove", lead, "--pdf", pdf)).code == 3
    words = read_pdf_words(pdf)
    for line in (
        *signed["page"].split("\n"),
        "The chain of proof is intact.",
        "203.0.113.9",
        "called on Monday",
        NUMBER,
    ):
        assert re.sub(r"\s", "", line) in words
    assert "Łukasz[U+5F20][U+4F1F][U+1F389]" in words, "characters that the font lacks have their code"
    assert words.count("artificialorprerecordedvoice") == 2, "both signatures"
    assert [row["command"] for row in await offered.leads.log()] == ["consent prove"] * 3


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("page_ciphertext = set_byte(page_ciphertext, 40, 1 # get_byte(page_ciphertext, 40))", "changed"),
        ("signer_ciphertext = set_byte(signer_ciphertext, 40, 1 # get_byte(signer_ciphertext, 40))", "changed"),
        ("page_ciphertext = signer_ciphertext", "changed"),
        ("page_ciphertext = null", "removed"),
    ],
)
async def test_a_changed_or_removed_copy_is_found(
    offered: ConsentFixture, visitor: FormVisitor, equity: Equity, damage: str, fault: str
) -> None:
    lead = await offered.add_lead()
    await visitor.sign(lead)
    intact = {"leads": 1, "copies": 2, "faults": []}
    assert (await equity.soon("consent", "verify", "--all", "--json")).ok().json == intact
    await offered.owner.execute(f"update app.lead_consent_audit set {damage}")
    for which in (lead, "--all"):
        verified = await equity.soon("consent", "verify", which, "--json")
        assert verified.code == 1
        assert verified.json["faults"] == [{"lead_id": str(lead), "seq": 1, "fault": f"its encrypted copy was {fault}"}]
    ran = await equity.soon("consent", "prove", lead)
    assert ran.code == 1
    assert "THE PROOF IS DAMAGED" in ran.out


async def test_an_erased_lead_still_has_a_chain_and_no_words(
    offered: ConsentFixture, visitor: FormVisitor, equity: Equity
) -> None:
    lead = await offered.add_lead()
    await visitor.sign(lead)
    await offered.owner.execute("update app.leads set data_key = null")
    proof = (await equity.soon("consent", "prove", lead, "--json")).ok().json
    assert (await equity.soon("consent", "verify", lead)).code == 0
    [entry] = proof["entries"]
    assert (proof["is_intact"], entry["page"], "data key was destroyed" in entry["problem"]) == (True, None, True)


async def test_the_office_withdraws_one_number_or_all_and_keeps_the_statement(
    offered: ConsentFixture, visitor: FormVisitor, equity: Equity
) -> None:
    lead = await offered.add_lead()
    await visitor.sign(lead)
    one = ("consent", "withdraw", lead, "--phone", "727-555-0142", "--reason", "no calls", "--by", "Dana", "--json")
    assert (await equity.soon(*one)).ok().json["is_new"] is True
    assert (await equity.soon(*one)).ok().json["is_new"] is False
    assert await offered.active(NUMBER) == ["opt_out"]
    assert (await offered.summary(lead))[0] is False
    [revoked] = await offered.events(ConsentRevoked)
    assert (revoked["how"], revoked["outcome"]) == ("office", "withdrawn")
    assert len(await offered.events(Unsubscribed)) == 1
    assert await offered.owner.fetchval("select count(*) from app.consent_statements") == 1
    unknown = await equity.soon("consent", "withdraw", lead, "--phone", OTHER_NUMBER)
    assert unknown.code == 0
    assert await offered.active(OTHER_NUMBER) == ["opt_out"]
    assert (await equity.soon("consent", "withdraw", lead, "--phone", "12")).code == 2
    assert (await equity.soon("consent", "withdraw", "00000000-0000-0000-0000-000000000001")).code == 2
    stored = json.dumps([str(dict(row)) for row in await offered.owner.fetch("select * from app.consent_statements")])
    assert "Dana" not in stored


async def test_a_lead_without_consents_has_an_empty_proof(offered: ConsentFixture, equity: Equity) -> None:
    lead = await offered.add_lead()
    assert "signed nothing" in (await equity.soon("consent", "prove", lead)).ok().out
    assert (await equity.soon("consent", "prove", "00000000-0000-0000-0000-000000000001")).code == 2
