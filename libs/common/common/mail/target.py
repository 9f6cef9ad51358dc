"""Server, sender and links of our mails, read from the settings; and what is missing before any can be sent."""

import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Self
from urllib.parse import unquote, urlsplit

from common.compliance.links import build_lead_link
from common.ids import LeadId
from common.mail.settings import MailSettings
from common.pii.contact_values import email_address
from common.vendors.public_urls import is_sandbox_url, url_problem

_TLS_PORT, _STARTTLS_PORT = 465, 587


class MailSettingsError(ValueError):
    """A setting without which no mail can be sent. The text has no secret."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """SMTP server, and the login there."""

    host: str
    port: int
    is_tls: bool
    """TLS from the start."""
    user: str | None
    password: str | None
    is_local: bool
    """On this machine, or the sandbox: it may be used without TLS."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the server of an SMTP_URL. Raises MailSettingsError, without any part of the URL."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:
            raise MailSettingsError("SMTP_URL is not a URL such as smtps://user:password@host:465") from None
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise MailSettingsError("SMTP_URL is not of the form smtps://user:password@host:465 or smtp://…:587")
        is_tls = parts.scheme == "smtps"
        user, password = (unquote(text) if text else None for text in (parts.username, parts.password))
        if (user is None) != (password is None):
            raise MailSettingsError("SMTP_URL has a user without a password, or a password without a user")
        return cls(
            parts.hostname,
            port or (_TLS_PORT if is_tls else _STARTTLS_PORT),
            is_tls,
            user,
            password,
            is_sandbox_url(url),
        )


@dataclass(frozen=True, slots=True)
class MailTarget:
    """Everything that a mail needs in addition to its content."""

    server: MailServer
    tls: ssl.SSLContext
    sender: Address
    postal_address: str
    opt_out_url: str
    link_secret: bytes

    @classmethod
    def from_settings(cls, settings: MailSettings) -> Self:
        """Return the target of *settings*. Raises MailSettingsError with the first setting that is missing or wrong."""
        if settings.smtp_url is None or not settings.smtp_url.get_secret_value().strip():
            raise MailSettingsError("SMTP_URL is not set")
        server = MailServer.parse(settings.smtp_url.get_secret_value())
        postal_address = " ".join((settings.mail_postal_address or settings.postal_address or "").split())
        if not postal_address:
            raise MailSettingsError("POSTAL_ADDRESS is not set: every mail shows it")
        secret = settings.form_link_secret.get_secret_value()
        if not secret:
            raise MailSettingsError("FORM_LINK_SECRET is not set: it signs the opt-out link of every mail")
        opt_out_url = settings.opt_out_url or f"{settings.consent_form_url.rstrip('/')}/opt-out"
        if not server.is_local and (problem := url_problem(opt_out_url)):
            raise MailSettingsError(f"the opt-out link {problem}: set CONSENT_FORM_URL or OPT_OUT_URL")
        return cls(
            server, _load_certificates(settings), _parse_sender(settings), postal_address, opt_out_url, secret.encode()
        )

    def opt_out_link(self, lead_id: LeadId) -> str:
        """Return the link by which the person of the lead opts out of emails."""
        return build_lead_link(self.opt_out_url, self.link_secret, lead_id)

    def message_id(self, mail_id: object) -> str:
        """Return the Message-ID of the mail with this id."""
        return f"<{mail_id}@{self.sender.domain}>"


def find_mail_problem(settings: MailSettings) -> str | None:
    """Return why no mail can be sent with *settings*, or None."""
    try:
        MailTarget.from_settings(settings)
    except MailSettingsError as error:
        return str(error)
    return None


def _parse_sender(settings: MailSettings) -> Address:
    name, address = parseaddr(settings.smtp_from or "")
    plain = email_address(address)
    if plain is None or not plain.isascii() or not (settings.smtp_from or "").isprintable():
        raise MailSettingsError("SMTP_FROM is not an address such as `Example Lending <office@lender.example>`")
    return Address(display_name=name, addr_spec=plain)


def _load_certificates(settings: MailSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(settings.smtp_ca_file) if settings.smtp_ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise MailSettingsError("SMTP_CA_FILE holds no certificates that can be read") from error
