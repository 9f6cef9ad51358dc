"""Composition of one answer: language, links, reference, subject and both parts. Pure."""

from dataclasses import dataclass, field
from uuid import UUID

from common.ids import LeadId
from common.vendors.text import plain_text
from replies.answers.language import detect_language
from replies.answers.settings import AnswerLinks
from replies.answers.templates import fill_template, find_template

_REFERENCE_DIGITS = 12
_MAX_SUBJECT_CHARACTERS = 200
_DEFAULT_SUBJECT = "your answer"


@dataclass(frozen=True, slots=True)
class AnswerContent:
    """Words of one answer."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnswerValues:
    """Values of one answer. *new_text* is what the person wrote; it decides the language."""

    answer_id: UUID
    lead_id: LeadId
    broker_name: str
    postal_address: str
    subject: str = field(repr=False)
    new_text: str = field(repr=False)


def compose_answer(template: str, version: int, values: AnswerValues, links: AnswerLinks) -> AnswerContent:
    """Return the words of an answer. Raises UnknownTemplateError for a version that does not exist."""
    body = fill_template(
        find_template(template, version),
        detect_language(values.new_text),
        {
            **links.build(values.lead_id),
            "broker_name": plain_text(values.broker_name, links=True) or "",
            "postal_address": " ".join(values.postal_address.split()),
            "reference": build_reference(values.answer_id),
        },
    )
    return AnswerContent(build_subject(values.subject), body.text, body.html)


def build_reference(answer_id: UUID) -> str:
    """Return the mark by which an answer is found at Instantly after its response was lost: the random end of its id."""
    return answer_id.hex[-_REFERENCE_DIGITS:].upper()


def build_subject(answered: str) -> str:
    """Return the subject of an answer to an email with the subject *answered*: one line, with one `Re:`."""
    line = " ".join("".join(one if one.isprintable() else " " for one in answered).split())
    while line[:3].lower() == "re:":
        line = line[3:].lstrip()
    return f"Re: {line or _DEFAULT_SUBJECT}"[:_MAX_SUBJECT_CHARACTERS]
