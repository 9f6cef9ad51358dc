"""Properties: a quote of any of our emails, in the form of any mail program, changes neither the new text nor the decision."""

from functools import cache
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.replies.bodies import (
    LEAD_VALUES,
    ReplyForm,
    campaign_rows,
    read_forms,
    read_replies,
    sent_bodies,
    write_reply,
)
from replies.text.intents import decide_by_rules
from replies.text.new_text import NewText, extract_new_text
from replies.text.opt_out_words import find_opt_out
from replies.text.own_sentences import OwnSentences

FORMS = [form for form in read_forms().values() if form.parts == 1]
INLINE_FORMS = [form for form in read_forms().values() if form.parts > 1]
VOCABULARY = """
    yes no maybe call me the roof house stop please remove rate loan Maria Tuesday end of month cancel HELOC opt out thanks
    ¿cuánto? baja no me escriban list 555 $200 ok 👍 interested On Sent from casa
"""
WORDS = st.sampled_from(VOCABULARY.split())
SENTENCES = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
WRITTEN = [reply.new for reply in read_replies() if not reply.name.startswith(("hostile", "instructions"))]
NEW_TEXTS = st.one_of(st.sampled_from(WRITTEN), st.lists(SENTENCES, min_size=1, max_size=3).map("\n".join))
PERSONAS = st.integers(0, len(campaign_rows()) - 1)
EMAILS = st.integers(1, 4)
VALUES = st.fixed_dictionaries(
    {
        "firstName": st.sampled_from(["Maria", "there", "José Luis", "Anne-Marie"]),
        "property_address": st.sampled_from(["12 Elm St", "4711 N Rancho San Pedro Blvd Unit 12", "9 O'Neil Ct"]),
        "property_city": st.sampled_from(["Tampa", "Winston-Salem", "St. Petersburg"]),
        "broker_name": st.sampled_from(["Dana Ruiz", "Ruiz & Sons Home Lending, LLC"]),
    }
)


@cache
def own_sentences(persona: int) -> OwnSentences:
    return OwnSentences.of(sent_bodies(campaign_rows()[persona]))


def read_alone(form: ReplyForm, new: str, own: OwnSentences) -> NewText:
    """Return what is read of *new* without a quote, in the parts that *form* has."""
    html = f"<p>{escape(new)}</p>".replace("\n", "<br>")
    return extract_new_text(new if form.text else None, html if form.html else None, own)


@given(new=NEW_TEXTS, form=st.sampled_from(FORMS), persona=PERSONAS, email=EMAILS, values=VALUES)
@settings(max_examples=400, deadline=None)
def test_a_quote_changes_neither_the_new_text_nor_the_decision(
    new: str, form: ReplyForm, persona: int, email: int, values: dict[str, str]
) -> None:
    own = own_sentences(persona)
    reply = write_reply(form, new, email, row=campaign_rows()[persona], values=LEAD_VALUES | values)
    alone = read_alone(form, new, own)
    quoted = extract_new_text(reply.text, reply.html, own)
    assert quoted.text.split() == alone.text.split()
    assert decide_by_rules(quoted) == decide_by_rules(alone)


@given(form=st.sampled_from(FORMS), persona=PERSONAS, email=EMAILS, values=VALUES)
@settings(max_examples=300, deadline=None)
def test_the_opt_out_words_of_our_emails_never_make_an_opt_out(
    form: ReplyForm, persona: int, email: int, values: dict[str, str]
) -> None:
    reply = write_reply(form, "Good idea", email, row=campaign_rows()[persona], values=LEAD_VALUES | values)
    read = extract_new_text(reply.text, reply.html, own_sentences(persona))
    assert decide_by_rules(read).opt_out_codes == ()


@given(
    opt_out=st.sampled_from([reply.new for reply in read_replies() if reply.is_opt_out and "\n" not in reply.new]),
    form=st.sampled_from(FORMS + INLINE_FORMS),
    email=EMAILS,
)
@settings(max_examples=400, deadline=None)
def test_a_quote_never_removes_an_opt_out(opt_out: str, form: ReplyForm, email: int) -> None:
    new = opt_out if form.parts == 1 else ["Hello.", opt_out]
    reply = write_reply(form, new, email)
    read = extract_new_text(reply.text, reply.html, own_sentences(0))
    assert set(find_opt_out(opt_out)) <= set(decide_by_rules(read).opt_out_codes)


@pytest.mark.parametrize("form", [*FORMS, *INLINE_FORMS], ids=lambda form: form.name)
def test_an_empty_answer_to_an_email_has_no_new_text(form: ReplyForm) -> None:
    reply = write_reply(form, "" if form.parts == 1 else ["", ""], 1)
    assert extract_new_text(reply.text, reply.html, own_sentences(0)).parts == ()
