"""Quotations in replies: the email that a reply answers, in the form of common mail clients, above, below or around the new text."""

import html
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sandbox.vendors.instantly.email_texts import html_of_text, text_of_html

MailClient = Literal["gmail", "outlook", "apple", "yahoo", "phone"]
Placement = Literal["top", "bottom", "inline"]

_GMAIL_WIDTH = 78
"""Gmail wraps plain text at this width, also in the middle of the line that introduces a quotation."""
_END_OF_LINE = re.compile(r"<br\s*/?>|</p>|</div>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QuotedEmail:
    """An email that a reply quotes."""

    sender: str
    recipient: str
    subject: str
    sent_at: datetime
    text: str
    html: str

    def fields(self) -> dict[str, str]:
        """Return the values for the templates of a style."""
        day = self.sent_at.day
        hour = self.sent_at.strftime("%I").lstrip("0")
        name = self.sender.partition("@")[0].replace(".", " ").title()
        return {
            "name": name, "sender": self.sender, "recipient": self.recipient, "subject": self.subject,
            "short_date": self.sent_at.strftime(f"%a, %b {day}, %Y at {hour}:%M %p"),
            "apple_date": self.sent_at.strftime(f"%b {day}, %Y, at {hour}:%M %p"),
            "long_date": self.sent_at.strftime(f"%A, %B {day}, %Y {hour}:%M %p"),
            "yahoo_date": self.sent_at.strftime(f"%A, %B {day}, %Y at %I:%M:%S %p UTC"),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReplyBody:
    """Text and HTML of a reply."""

    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _QuoteStyle:
    """The form of one mail client. Templates have the names of `QuotedEmail.fields`."""

    introduction: str
    html_open: str
    html_close: str
    html_new: str = '<div dir="ltr">{new}</div>'
    html_pause: tuple[str, str] = ("</blockquote>", '<blockquote type="cite">')
    """End and new beginning of the quotation, around an answer between the lines."""
    line_prefix: str = "> "
    is_introduction_quoted: bool = False
    wrap_width: int | None = None
    signature: str = ""


_APPLE = _QuoteStyle(
    introduction="On {apple_date}, {name} <{sender}> wrote:\n",
    is_introduction_quoted=True,
    html_new="<div>{new}</div>",
    html_open='<div><br><blockquote type="cite"><div>On {apple_date}, {name} &lt;{sender}&gt; wrote:</div>'
    '<br class="Apple-interchange-newline"><div>',
    html_close="</div></blockquote></div>",
)
_STYLES: Mapping[MailClient, _QuoteStyle] = {
    "gmail": _QuoteStyle(
        introduction="On {short_date} {name} <{sender}> wrote:\n",
        wrap_width=_GMAIL_WIDTH,
        html_open='<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">'
        'On {short_date} {name} &lt;<a href="mailto:{sender}">{sender}</a>&gt; wrote:<br></div>'
        '<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204)">',
        html_close="</blockquote></div>",
        html_pause=("</blockquote>", '<blockquote class="gmail_quote">'),
    ),
    "outlook": _QuoteStyle(
        introduction="________________________________\nFrom: {name} <{sender}>\nSent: {long_date}\nTo: {recipient}\n"
        "Subject: {subject}\n",
        line_prefix="",
        html_new='<div class="elementToProof">{new}</div>',
        html_open='<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">'
        '<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif"><b>From:</b> {name} &lt;{sender}&gt;<br>'
        "<b>Sent:</b> {long_date}<br><b>To:</b> {recipient}<br><b>Subject:</b> {subject}</font></div><div>",
        html_close="</div>",
        html_pause=("", ""),
    ),
    "apple": _APPLE,
    "yahoo": _QuoteStyle(
        introduction="    On {yahoo_date}, {name} <{sender}> wrote:  \n ",
        line_prefix=" ",
        html_new='<div class="yahoo-style-wrap" dir="ltr">{new}</div>',
        html_open='<div id="yahoo_quoted_0123456789" class="yahoo_quoted"><div>On {yahoo_date}, {name} &lt;{sender}&gt; wrote:'
        "</div><div><br></div><div>",
        html_close="</div></div>",
        html_pause=("", ""),
    ),
    "phone": _QuoteStyle(
        introduction=_APPLE.introduction,
        is_introduction_quoted=True,
        html_new=_APPLE.html_new,
        html_open=_APPLE.html_open,
        html_close=_APPLE.html_close,
        signature="Sent from my iPhone",
    ),
}


def quote_email(
    quoted: QuotedEmail,
    client: MailClient,
    placement: Placement,
    new_text: str | None,
    new_html: str | None,
) -> ReplyBody:
    """Return a reply with the new text, given as text, as HTML or as both, and the whole *quoted* email."""
    style = _STYLES[client]
    if new_html is None:
        new_html = html_of_text(new_text or "")
    if new_text is None:
        new_text = text_of_html(new_html)
    return ReplyBody(
        _render_text(style, quoted, placement, new_text),
        _render_html(style, quoted, placement, new_html),
    )


def _render_text(style: _QuoteStyle, quoted: QuotedEmail, placement: Placement, new: str) -> str:
    introduction = style.introduction.format(**quoted.fields())
    lines = quoted.text.splitlines()
    if style.wrap_width:
        introduction = textwrap.fill(introduction, style.wrap_width) + "\n"
        lines = [part for line in lines for part in textwrap.wrap(line, style.wrap_width) or [""]]
    if style.is_introduction_quoted:
        introduction = "\n".join((style.line_prefix + line).rstrip() for line in introduction.split("\n"))
    lines = [(style.line_prefix + line).rstrip() for line in lines]
    signed = f"{new}\n\n{style.signature}" if style.signature else new
    if placement == "top":
        parts = [signed, "", introduction, *lines]
    elif placement == "bottom":
        parts = [introduction, *lines, "", signed]
    else:
        middle = len(lines) // 2
        parts = [introduction, *lines[:middle], "", new, "", *lines[middle:], "", style.signature]
    return "\n".join(parts).rstrip() + "\n"


def _render_html(style: _QuoteStyle, quoted: QuotedEmail, placement: Placement, new: str) -> str:
    fields = {name: html.escape(value) for name, value in quoted.fields().items()}
    opening = style.html_open.format(**fields)
    wrapped = style.html_new.format(new=new)
    signature = f'<div><br></div><div dir="ltr">{style.signature}</div>' if style.signature else ""
    if placement == "top":
        return f"{wrapped}{signature}{opening}{quoted.html}{style.html_close}"
    if placement == "bottom":
        return f"{opening}{quoted.html}{style.html_close}{wrapped}{signature}"
    before, after = _split_in_the_middle(quoted.html)
    pause, resume = style.html_pause
    return f"{opening}{before}{pause}{wrapped}{resume}{after}{style.html_close}{signature}"


def _split_in_the_middle(fragment: str) -> tuple[str, str]:
    """Return two parts of HTML, divided at the end of a line near the middle."""
    ends = [match.end() for match in _END_OF_LINE.finditer(fragment)]
    cut = min(ends, key=lambda end: abs(end - len(fragment) // 2), default=len(fragment))
    return fragment[:cut], fragment[cut:]
