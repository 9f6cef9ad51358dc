"""Consent form as a person sees it, and the copy of it that is kept. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.ids import BrokerId
from consent.form_fields import FieldError, FormFields
from consent.pages import read_page_texts, render_template
from consent.texts import ConsentText, Language


@dataclass(frozen=True, slots=True)
class FormOffer:
    """Agreement that the form offers: the seller, the version of the text, and the end of a number that we know."""

    broker_id: BrokerId
    seller: str
    text_version: int
    text: ConsentText
    stored_text: str
    """The text as `app.consent_texts` has it, for the hash in the proof."""
    number_hint: str | None
    """Last three digits of the lead's best number."""


@dataclass(frozen=True, slots=True)
class FormState:
    """Changing parts of the page: token, link, what the person typed, errors, and a note above the form."""

    token: str = ""
    link: str = ""
    fields: FormFields = field(default_factory=FormFields)
    errors: Mapping[str, FieldError] = field(default_factory=dict)
    note: str | None = None


def render_form(offer: FormOffer, language: Language, state: FormState | None = None) -> str:
    """Return the page. Without *state* it is the copy that a signature keeps: every word, no token, and empty fields."""
    state = state or FormState()
    values: dict[str, Any] = {"offer": offer, "state": state}
    return render_template("form", language, paragraphs=fill_in_text(offer, language), **values)


def fill_in_text(offer: FormOffer, language: Language) -> list[str]:
    """Return the paragraphs of the agreement."""
    texts = read_page_texts(language)
    values = {"seller": offer.seller, "number": texts["form_number_phrase"], "button": texts["form_button"]}
    return offer.text.fill_in(language, values)
