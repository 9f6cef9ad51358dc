"""The message of a mail: no header can be added, and each has the same end. And the settings that a mail needs."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default as default_policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.mail.content import MailContent
from common.mail.message import MailEnvelope, build_message
from common.mail.settings import MailSettings
from common.mail.target import MailServer, MailSettingsError, MailTarget, find_mail_problem

LINK = "https://forms.lender.com/consent/opt-out?l=abc"
ENVELOPE = MailEnvelope(
    "<1@lender.com>", Address("Lender, Inc. <x>", addr_spec="office@lender.com"), "1 Main Street, Tampa, FL 33602", LINK
)
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
COMPLETE: dict[str, Any] = {
    "smtp_url": "smtps://user:p%40ss@mail.lender.com",
    "smtp_from": "Lender <office@lender.com>",
    "postal_address": "1 Main Street",
    "consent_form_url": "https://forms.lender.com/consent",
    "form_link_secret": "secret",
}


def parse(content: MailContent) -> Any:
    return message_from_bytes(build_message(content, ENVELOPE, NOW), policy=default_policy)


@given(st.text(min_size=1, max_size=120), st.text(max_size=300), st.sampled_from(["en", "es"]))
def test_any_words_arrive_and_add_no_header(subject: str, text: str, language: Any) -> None:
    try:
        content = MailContent("owner@example.com", subject, text.encode(errors="ignore").decode(), language)
    except ValueError:
        assert not subject.strip() or not subject.isprintable()
        return
    message = parse(content)
    assert sorted(message.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted",
         "MIME-Version", "Content-Type"]
    )  # fmt: skip
    for part in message.iter_parts():
        assert LINK in part.get_content()
        assert "1 Main Street, Tampa, FL 33602" in part.get_content()


@pytest.mark.parametrize("line", ["a\nBcc: x@example.com", "a\r\nX: y", "a\x00", "", "  ", "a\u2028b"])
def test_a_subject_or_recipient_that_would_add_a_header_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        MailContent("owner@example.com", line, "text")
    with pytest.raises(ValueError, match="recipient"):
        MailContent(line, "subject", "text")


def test_the_words_of_the_text_are_escaped_in_the_page() -> None:
    page = (
        parse(MailContent("owner@example.com", "s", "<script>1</script>\n\n& more")).get_body(("html",)).get_content()
    )
    assert "&lt;script&gt;1&lt;/script&gt;" in page
    assert f'<a href="{LINK}">' in page


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_opt_out_has_at_least_six_words(language: Any) -> None:
    text = parse(MailContent("owner@example.com", "s", "t", language)).get_body(("plain",)).get_content()
    words = text.partition(LINK)[0].splitlines()[-1]
    assert len(words.split()) >= 6


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://user:p%40ss@mail.lender.com", MailServer("mail.lender.com", 465, True, "user", "p@ss", False)),
        ("smtp://mail.lender.com", MailServer("mail.lender.com", 587, False, None, None, False)),
        ("smtp://127.0.0.1:1025", MailServer("127.0.0.1", 1025, False, None, None, True)),
        ("smtp://sandbox:8025/", MailServer("sandbox", 8025, False, None, None, True)),
    ],
)
def test_the_server_is_read_from_the_url(url: str, server: MailServer) -> None:
    assert MailServer.parse(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.lender.com:587",
        "https://mail.lender.com",
        "smtp://",
        "smtp://h:99999",
        "smtp://secret@h",
        "smtp://h/x?secret",
    ],
)
def test_a_wrong_url_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(MailSettingsError) as error:
        MailServer.parse(url)
    assert "secret" not in str(error.value)
    assert error.value.__cause__ is None


def test_complete_settings_have_no_problem() -> None:
    assert find_mail_problem(MailSettings(**COMPLETE)) is None
    assert MailTarget.from_settings(MailSettings(**COMPLETE)).message_id(1) == "<1@lender.com>"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"smtp_url": None}, "SMTP_URL is not set"),
        ({"smtp_from": None}, "SMTP_FROM is not an address"),
        ({"smtp_from": "Lender <office@lender.com\nBcc: x@y.com>"}, "SMTP_FROM is not an address"),
        ({"postal_address": " "}, "POSTAL_ADDRESS is not set"),
        ({"form_link_secret": ""}, "FORM_LINK_SECRET is not set"),
        ({"consent_form_url": "http://forms.lender.com"}, "the opt-out link is not https"),
        ({"consent_form_url": "https://localhost/consent"}, "the opt-out link is on a host that is not public"),
    ],
)
def test_each_missing_setting_is_named(change: dict[str, Any], problem: str) -> None:
    assert (find_mail_problem(MailSettings(**COMPLETE | change)) or "").startswith(problem)
