"""Message of a mail: headers, and text and HTML with the same words and the same end."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from html import escape
from string import Template

from common.mail.content import MailContent

_ENDS = {
    "en": Template(
        "$sender sent you this message because you asked for it.\n"
        "You do not want any more emails from us? Open this page and press the button:\n$link\n\n$postal_address"
    ),
    "es": Template(
        "$sender le envió este mensaje porque usted lo pidió.\n"
        "¿No quiere recibir más correos de nosotros? Abra esta página y pulse el botón:\n$link\n\n$postal_address"
    ),
}
"""End of every mail: opt-out and postal address, as CAN-SPAM asks of emails (15 U.S.C. 7704(a)(5))."""


@dataclass(frozen=True, slots=True)
class MailEnvelope:
    """Facts of one mail that are not in its content."""

    message_id: str
    sender: Address
    postal_address: str
    opt_out_link: str


def build_message(content: MailContent, envelope: MailEnvelope, now: datetime) -> bytes:
    """Return the message as SMTP transmits it. Raises ValueError for a header that cannot be written."""
    message = EmailMessage(policy=SMTPUTF8 if needs_utf8(content.recipient) else SMTP)
    message["From"] = envelope.sender
    message["To"] = content.recipient
    if [address.addr_spec for address in message["To"].addresses] != [content.recipient]:
        raise ValueError("the recipient is not one address")
    message["Subject"] = content.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = envelope.message_id
    message["List-Unsubscribe"] = f"<{envelope.opt_out_link}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    end = _ENDS[content.language].substitute(
        sender=envelope.sender.display_name or envelope.sender.addr_spec,
        link=envelope.opt_out_link,
        postal_address=envelope.postal_address,
    )
    message.set_content(f"{content.text.strip()}\n\n-- \n{end}\n", cte="quoted-printable")
    body = content.html if content.html is not None else _to_html(content.text)
    page = (
        f'<!doctype html>\n<html lang="{content.language}">\n<body>\n{body}\n<hr>\n{_to_html(end)}\n</body>\n</html>\n'
    )
    message.add_alternative(page, subtype="html", cte="quoted-printable")
    return message.as_bytes()


def needs_utf8(address: str) -> bool:
    """Return whether *address* can only be sent to a server with SMTPUTF8 (RFC 6531)."""
    return not address.isascii()


def _to_html(text: str) -> str:
    """Return paragraphs of HTML with the words of *text*. A line that is a link becomes one."""
    return "\n".join(
        "<p>" + "<br>\n".join(_line_to_html(line) for line in paragraph.splitlines()) + "</p>"
        for paragraph in text.strip().split("\n\n")
    )


def _line_to_html(line: str) -> str:
    shown = escape(line.strip())
    return f'<a href="{shown}">{shown}</a>' if line.strip().startswith(("https://", "http://")) else shown
