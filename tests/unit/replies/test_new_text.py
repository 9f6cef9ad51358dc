"""Parts of a reply that are removed or stay, and the limits of reading one."""

import re
import time
from collections.abc import Callable

import pytest

from corpus.replies.bodies import campaign_rows, sent_bodies
from replies.text.html_reader import MAX_HTML_CHARACTERS
from replies.text.intents import decide_by_rules
from replies.text.lines import MAX_TEXT_CHARACTERS
from replies.text.masking import mask_for_model
from replies.text.new_text import NewText, extract_new_text
from replies.text.own_sentences import OwnSentences

OWN = OwnSentences.of(sent_bodies(campaign_rows()[0]))


def read(text: str | None = None, html: str | None = None) -> str:
    return extract_new_text(text, html, OWN).text


def test_a_reply_without_parts_has_no_new_text() -> None:
    assert extract_new_text(None, None, OWN) == NewText("")


def test_the_html_part_is_read_where_the_plain_part_has_no_words() -> None:
    assert extract_new_text(" \n", "<p>Call me</p>", OWN) == NewText("Call me")


def test_words_of_ours_that_a_person_uses_stay() -> None:
    assert read("Do not write to me again") == "Do not write to me again"
    assert read("Yes, you may call me") == "Yes, you may call me"


def test_our_sentence_is_removed_without_a_quote_mark_and_with_other_punctuation() -> None:
    assert read("do not write to me again (https://x.example/o?l=1) or answer \u201cstop\u201d") == ""
    assert read("Do not write to me again, or answer STOP. STOP") == "STOP"


def test_a_value_of_the_lead_does_not_hide_words_of_the_person() -> None:
    text = "You may have equity in your home in take me off Tampa: the part of its value that no loan is owed on."
    assert "take me off" in read(text)


def test_short_sentences_of_ours_are_removed_only_beside_others() -> None:
    assert read("Hello Maria,\nI will keep this short, because your time is yours.") == ""
    assert read("Hello Maria,\nwhat is the rate?") == "Hello Maria,\nwhat is the rate?"


def test_text_below_and_between_marked_quotes_stays() -> None:
    assert read("On Mon, Mar 3, 2025, Carlos wrote:\n> one\nfirst\n> two\nsecond") == "first\nsecond"


def test_an_answer_between_quotes_stays_although_the_quote_leaves_elements_open() -> None:
    html = (
        '<div><br><blockquote type="cite"><div>On Mar 3, 2025, at 8:29 AM, Carlos wrote:</div><div>one<div>two</blockquote>'
        '<div>stop</div><blockquote type="cite">three</div></blockquote></div>'
    )
    assert read(html=html) == "stop"


def test_of_an_unmarked_quote_of_another_email_nothing_stays() -> None:
    text = "See below.\n\nFrom: News <n@x.example>\nSent: Monday\nTo: me\nSubject: Sale\n\nTo unsubscribe, click here."
    assert read(text) == "See below."


def test_older_emails_below_ours_do_not_count() -> None:
    ours = re.sub(r"<a[^>]*>|</a>|[{}]", "", sent_bodies(campaign_rows()[0])[0].replace("<br/>", "\n"))
    header = "From: A <a@x.example>\nSent: Monday, March 3, 2025\nTo: B\nSubject: C\n\n"
    assert read(f"Thanks\n\n{header}{ours}\n\n{header}{ours}\nWe had a leak in May.") == "Thanks"


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nMarta Quill\nQuill Dental Lab", "Sent from my iPhone", "Enviado desde mi iPhone", "Enviado desde mi Samsung Galaxy",
        "Get Outlook for Android", "Thanks,\nMarta Quill", "Best regards,\n\nMarta Quill\n(555) 010-0142", "Saludos,\nMarta",
        "Marta Quill\n555-010-0142\nmarta@quill.example", "Sent from Mail for Windows", "Enviado con Outlook para iOS",
        "Atentamente,\nMarta Quill | Gerente\nwww.quill.example",
    ],
)  # fmt: skip
def test_signatures_are_removed(signature: str) -> None:
    assert read(f"What is the rate?\n\n{signature}") == "What is the rate?"


@pytest.mark.parametrize(
    "text",
    [
        "Hello\n-- \nMarta\nSTOP", "Thanks,\nplease stop emailing me", "Regards,\nRemove Me", "Thanks\n\nSTOP",
        "Sent from my iPhone\nunsubscribe",
        "Hi.\nSent from my iPhone, please stop", "Hi.\nThis message is unwanted, take me off your list for good please",
        "Gracias,\nBaja Por Favor",
    ],
)  # fmt: skip
def test_an_opt_out_is_never_part_of_a_signature(text: str) -> None:
    assert decide_by_rules(extract_new_text(text, None, OWN)).opt_out_codes


def test_an_opt_out_in_the_signature_element_of_a_program_counts() -> None:
    assert read(html='<p>Hello</p><div class="gmail_signature">Marta Quill<br>unsubscribe</div>').split() == [
        "Hello",
        "unsubscribe",
    ]


def test_an_opt_out_counts_in_either_part() -> None:
    read_parts = extract_new_text("Thank you.", "<p>Thank you. Please stop.</p>", OWN)
    assert decide_by_rules(read_parts).opt_out_codes == ("stop",)


def test_parts_beyond_the_limits_are_reported() -> None:
    assert extract_new_text("a " * MAX_TEXT_CHARACTERS, None, OWN).truncated
    assert extract_new_text(None, "<p>" * MAX_HTML_CHARACTERS, OWN).truncated
    assert not extract_new_text("short", "<p>short</p>", OWN).truncated


def read_everything(text: str) -> None:
    new = extract_new_text(text, f"<div>{text}</div>", OWN)
    decide_by_rules(new, text)
    mask_for_model(text, ["Maria"])


def measure_seconds(work: Callable[[str], None], text: str) -> float:
    """Return the least processor time of two runs."""
    seconds = []
    for _ in range(2):
        start = time.process_time()
        work(text)
        seconds.append(time.process_time() - start)
    return min(seconds)


@pytest.mark.parametrize(
    "unit",
    [
        "<div>", "<b><i>", "<p style='color:#fff'>", "<blockquote>", "<a x=y ", "<!--", "&", "<table><td>", "stop ", "do not ",
        "please ", "> hi\n", "On 1\n", "on 1 @ ", "From: x\n", "hello ", "a b ", "a@", "-- \n", "Maria Lopez\n", "_____\n", "12 a ",
        "1 2 3 ", "You may have equity in your home in a b c ", "Carlos, home equity outreach for a b ", "no me ", "respond ", "s t o p ",
    ],
)  # fmt: skip
def test_reading_time_grows_with_the_length_and_not_with_its_square(unit: str) -> None:
    short, long = (unit * (length // len(unit)) for length in (3_000, 24_000))
    growth = measure_seconds(read_everything, long) / max(measure_seconds(read_everything, short), 0.002)
    assert growth < 24, "eight times the text may take about eight times the time, and a square would take 64 times"
