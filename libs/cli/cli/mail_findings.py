"""Findings of `equity doctor` about the mails that a service sends itself."""

from cli.diagnostics import Finding
from common.mail.settings import MailSettings
from common.mail.smtp import MailNotSentError, open_session
from common.mail.target import MailSettingsError, MailTarget

CHECK = "mail"
PAGE = "docs/mails.md#settings"
_CONNECT_SECONDS = 10


def check_mail_settings(settings: MailSettings) -> list[Finding]:
    """Return whether the settings are complete, without connecting."""
    try:
        target = MailTarget.from_settings(settings)
    except MailSettingsError as error:
        return [Finding.warning(CHECK, f"no mail is sent: {error}", PAGE)]
    return [Finding.ok(CHECK, f"mails go to {target.server.host}:{target.server.port}")]


async def check_mail_server(settings: MailSettings) -> list[Finding]:
    """Return whether the server answers and accepts certificate and login."""
    try:
        target = MailTarget.from_settings(settings)
    except MailSettingsError:
        return []
    server = f"{target.server.host}:{target.server.port}"
    try:
        async with open_session(target, _CONNECT_SECONDS):
            return [Finding.ok(CHECK, f"{server} answers")]
    except MailNotSentError as error:
        return [Finding.problem(CHECK, f"{server} cannot be used: {error.reason}", "docs/runbooks/mails.md")]
