"""Quotations in the form of mail clients."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from sandbox.vendors.instantly.email_texts import fill_variables, html_of_text, text_of_html
from sandbox.vendors.instantly.quoting import MailClient, Placement, QuotedEmail, quote_email

QUOTED = QuotedEmail(
    sender="dana.whitfield@outreach.example",
    recipient="marjorie@example.com",
    subject="Your home",
    sent_at=datetime(2026, 8, 20, 14, 2, 11, tzinfo=UTC),
    text="Hello Marjorie,\n\nWe write about your home.\n\nAnswer STOP.",
    html="<p>Hello Marjorie,</p><p>We write about your home.</p><p>Answer STOP.</p>",
)
INTRODUCTIONS = {
    "gmail": "On Thu, Aug 20, 2026 at 2:02 PM Dana Whitfield",
    "outlook": "From: Dana Whitfield <dana.whitfield@outreach.example>\nSent: Thursday, August 20, 2026 2:02 PM",
    "apple": "> On Aug 20, 2026, at 2:02 PM, Dana Whitfield <dana.whitfield@outreach.example> wrote:",
    "yahoo": "On Thursday, August 20, 2026 at 02:02:11 PM UTC, Dana Whitfield",
    "phone": "Sent from my iPhone",
}
each_client = pytest.mark.parametrize("client", get_args(MailClient))


@each_client
@pytest.mark.parametrize("placement", get_args(Placement))
def test_every_form_has_the_new_text_and_the_whole_quoted_email(client: MailClient, placement: Placement) -> None:
    body = quote_email(QUOTED, client, placement, "Please call me.", None)
    assert INTRODUCTIONS[client] in body.text
    for line in ("Hello Marjorie,", "We write about your home.", "Answer STOP."):
        assert line in body.text
        assert line in body.html
    assert "Please call me." in body.text
    assert "Please call me." in body.html


@each_client
def test_the_placement_decides_where_the_new_text_is(client: MailClient) -> None:
    orders: dict[Placement, list[str]] = {
        "top": ["Call me", "Hello", "STOP"],
        "inline": ["Hello", "Call me", "STOP"],
        "bottom": ["Hello", "STOP", "Call me"],
    }
    for placement, order in orders.items():
        body = quote_email(QUOTED, client, placement, "Call me", None)
        for form in (body.text, body.html):
            assert sorted(order, key=form.index) == order


def test_gmail_wraps_the_introduction() -> None:
    lines = quote_email(QUOTED, "gmail", "top", "new", None).text.splitlines()
    assert "<dana.whitfield@outreach.example> wrote:" in lines


def test_text_is_derived_from_html_and_html_from_text() -> None:
    assert quote_email(QUOTED, "outlook", "top", None, "<b>Yes</b><br>please").text.startswith("Yes\nplease\n")
    assert "1 &lt; 2<br>yes" in quote_email(QUOTED, "outlook", "top", "1 < 2\nyes", None).html


def test_html_becomes_the_text_that_is_seen() -> None:
    fragment = "<style>p{}</style><p>Hello&nbsp;you,</p><div>one<br>two</div><a href='https://x.example'>Yes</a>"
    assert text_of_html(fragment) == "Hello\xa0you,\none\ntwo\nYes <https://x.example>"


def test_variables_are_filled_with_their_fallback() -> None:
    text = "{{name}}, {{ city|your town }}, {{zip}}!"
    assert fill_variables(text, {"name": "Marjorie"}) == "Marjorie, your town, !"


def test_plain_text_becomes_html() -> None:
    assert html_of_text("a & b\nc") == "a &amp; b<br>c"
