"""Settings of the services that send mails themselves."""

from pathlib import Path

from pydantic import Field, SecretStr

from common.settings import Settings


class MailSettings(Settings):
    """Settings of the mailer. Without SMTP_URL mails are queued and none is sent."""

    smtp_url: SecretStr | None = Field(
        None,
        description="Server that takes our mails: `smtps://user:password@host:465`, or `smtp://…:587`, which must offer "
        "STARTTLS unless it is this machine. Unset: no mail is sent.",
    )
    smtp_from: str | None = Field(None, description="Sender of our mails: an address, or `Name <address>`.")
    smtp_ca_file: Path | None = Field(
        None, description="Certificates (PEM) to trust instead of the system's, for a server with a private one."
    )
    smtp_timeout_seconds: float = Field(
        60, gt=0, description="Longest time until the server has accepted the recipient of a mail."
    )
    smtp_answer_seconds: float = Field(
        600, gt=0, description="Longest wait for the answer after the content of a mail (RFC 5321, 4.5.3.2.6)."
    )
    smtp_connections: int = Field(2, ge=1, le=50, description="Mails that one process sends at the same time.")
    mail_check_seconds: float = Field(2, gt=0, description="Seconds between two searches for mails that are due.")
    mail_retry_seconds: float = Field(
        30,
        gt=0,
        description="Wait before the second attempt of a mail; it doubles with each further one, up to an hour.",
    )
    mail_max_age_hours: float = Field(
        72, gt=0, description="Hours for which attempts are made; then the mail is refused as `expired`."
    )

    postal_address: str | None = Field(None, description="The sender's postal address, as every email shows it.")
    mail_postal_address: str | None = Field(
        None, description="Postal address in our own mails, where it differs from POSTAL_ADDRESS."
    )
    consent_form_url: str = Field(
        "http://127.0.0.1:8082/consent", description="Public address of the pages of the consent service."
    )
    opt_out_url: str | None = Field(
        None, description="Target of the opt-out link; by default /opt-out below the consent form."
    )
    form_link_secret: SecretStr = Field(SecretStr(""), description="Secret that signs the links in emails.")
