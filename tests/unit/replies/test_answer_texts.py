"""Texts of automatic answers: what each must say, what none may say, and how it is read in a quote."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import LeadId
from replies.answers.composition import AnswerValues, build_reference, build_subject, compose_answer
from replies.answers.language import detect_language
from replies.answers.settings import AnswerLinks
from replies.answers.templates import (
    LANGUAGES,
    AnswerTemplate,
    UnknownTemplateError,
    fill_template,
    find_template,
    latest_version,
    list_answer_bodies,
    list_templates,
)
from replies.text.new_text import extract_new_text
from replies.text.opt_out_words import find_opt_out
from replies.text.own_sentences import OwnSentences
from sandbox.vendors.instantly.quoting import QuotedEmail, quote_email

LINKS = AnswerLinks("https://consent.lender.com/c", "https://consent.lender.com/opt-out", b"secret")
ADDRESS = "Palmetto Lending LLC, 100 North Main Street, Suite 400, Tampa, FL 33602"
BODIES = [(template, language) for template in list_templates() for language in LANGUAGES]
FORBIDDEN = re.compile(
    r"[$€%]|\d|\b(?:rate|rates|interest|apr|loan|lower|save|saving|cash|money|cost|fee|free|payment|qualif\w*|eligib\w*|approv\w*"
    r"|tasa|tasas|interés|préstamo|dinero|efectivo|costo|gratis|pago|califica\w*|elegib\w*|aprob\w*|ahorr\w*)\b",
    re.IGNORECASE,
)
DISCLOSURE = {"en": "written automatically", "es": "automáticamente"}
OPT_OUT = {"en": "end all emails from us", "es": "no recibir más correos nuestros"}
MIN_SENTENCE_WORDS = 6


def sentences(body: str) -> list[str]:
    visible = re.sub(r"<[^>]*>", "", body)
    parts = [part.strip() for line in visible.splitlines() for part in re.split(r"(?<=[.!?])\s+", line)]
    return [part for part in parts if re.sub(r"\{\{\w+\}\}", "", part).strip(" .,")]


def fill(template: AnswerTemplate, language: str) -> tuple[str, str]:
    values = {
        "broker_name": "Palmetto Home Equity",
        "consent_link": "https://consent.lender.com/c?l=abc",
        "opt_out_link": "https://consent.lender.com/opt-out?l=abc",
        "postal_address": ADDRESS,
        "reference": "ABCDEF012345",
    }
    body = fill_template(template, language, values)  # type: ignore[arg-type]
    return body.text, body.html


@pytest.mark.parametrize(("template", "language"), BODIES)
def test_every_answer_has_postal_address_opt_out_and_disclosure(template: AnswerTemplate, language: str) -> None:
    for part in fill(template, language):
        assert ADDRESS in part
        assert "https://consent.lender.com/opt-out?l=abc" in part
        assert DISCLOSURE[language] in part
        assert OPT_OUT[language] in part


@pytest.mark.parametrize(("template", "language"), BODIES)
def test_no_answer_speaks_of_money_rates_or_eligibility(template: AnswerTemplate, language: str) -> None:
    assert FORBIDDEN.findall(re.sub(r"\{\{\w+\}\}", "", template.bodies[language])) == []  # type: ignore[index]


@pytest.mark.parametrize(("template", "language"), BODIES)
def test_every_sentence_is_long_enough_to_be_recognised(template: AnswerTemplate, language: str) -> None:
    for sentence in sentences(template.bodies[language]):  # type: ignore[index]
        words = re.findall(r"\w+", re.sub(r"\{\{\w+\}\}", "", sentence))
        assert len(words) >= MIN_SENTENCE_WORDS or "reference" in sentence or "referencia" in sentence, sentence


@pytest.mark.parametrize("client", ["gmail", "outlook", "apple", "yahoo", "phone"])
@pytest.mark.parametrize("placement", ["top", "bottom"])
@pytest.mark.parametrize(("template", "language"), BODIES)
def test_a_reply_that_quotes_an_answer_is_read_without_our_words(
    template: AnswerTemplate, language: str, client: str, placement: str
) -> None:

    text, html = fill(template, language)
    quoted = QuotedEmail(
        "dana@outreach.example", "a@example.com", "Re: home", datetime(2026, 11, 2, tzinfo=UTC), text, html
    )
    body = quote_email(quoted, client, placement, "Thanks, I will look at it tonight.", None)  # type: ignore[arg-type]
    own = OwnSentences.of(list_answer_bodies(ADDRESS))
    new = extract_new_text(body.text, body.html, own)
    assert new.text == "Thanks, I will look at it tonight."
    assert find_opt_out("\n".join(new.parts)) == ()


@pytest.mark.parametrize(("template", "language"), BODIES)
def test_an_unmarked_copy_of_an_answer_is_no_opt_out(template: AnswerTemplate, language: str) -> None:
    text, html = fill(template, language)
    own = OwnSentences.of(list_answer_bodies(ADDRESS))
    new = extract_new_text(f"I agree to this\n{text}", f"<p>I agree to this</p>{html}", own)
    assert "STOP" not in new.text and "BAJA" not in new.text
    assert find_opt_out("\n".join(new.parts)) == ()


def test_the_newest_version_is_found() -> None:
    assert find_template("consent_link", latest_version("consent_link")).version == latest_version("consent_link")
    with pytest.raises(UnknownTemplateError):
        latest_version("unknown")
    with pytest.raises(UnknownTemplateError):
        find_template("consent_link", 0)


def test_values_are_escaped_in_html_and_lose_markup() -> None:
    values = AnswerValues(UUID(int=5), LeadId(UUID(int=1)), "A <b>& {{reference}}</b> Co", "1 A & B St", "Hi", "")
    content = compose_answer("consent_link", 1, values, LINKS)
    assert "<b>" not in content.html
    assert "1 A &amp; B St" in content.html
    assert "1 A & B St" in content.text
    assert content.html.count(build_reference(UUID(int=5))) == 1


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Yes please call me", "en"),
        ("ok", "en"),
        ("", "en"),
        ("No", "en"),
        ("Sí", "es"),
        ("Me interesa, llámeme por la tarde", "es"),
        ("Hola, quiero más información por favor", "es"),
        ("Please call la casa tomorrow, I would like to know more", "en"),
    ],
)
def test_the_language_of_the_reply_decides(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("answered", "subject"),
    [
        ("Your home", "Re: Your home"),
        ("RE: re: Your home", "Re: Your home"),
        ("", "Re: your answer"),
        ("a\r\nBcc: x@y.com", "Re: a Bcc: x@y.com"),
    ],
)
def test_the_subject_has_one_re_and_one_line(answered: str, subject: str) -> None:
    assert build_subject(answered) == subject


@given(st.text(max_size=400))
def test_no_subject_breaks_a_header(answered: str) -> None:
    subject = build_subject(answered)
    assert subject.isprintable()
    assert len(subject) <= 200
