"""Settings of the consent service, read from environment variables of the same names."""

from pydantic import Field, SecretStr

from common.mail.settings import MailSettings


class ConsentSettings(MailSettings):
    """Settings of the consent service."""

    consent_host: str = Field("127.0.0.1", description="Address on which the consent service listens.")
    consent_port: int = Field(8082, ge=0, le=65535, description="Port of the consent service; 0 takes a free one.")
    consent_read_seconds: float = Field(10, gt=0, description="Longest time in which a form may arrive.")
    consent_trusted_hops: int = Field(
        0,
        ge=0,
        le=10,
        description="Proxies before the consent service, each of which adds the client's address to X-Forwarded-For.",
    )
    consent_forms_per_minute: int = Field(
        100, ge=1, description="Requests of the consent form from one client network, counted by each replica."
    )
    form_link_retired_secrets: SecretStr = Field(
        SecretStr(""),
        description="Former values of FORM_LINK_SECRET, separated by commas: links in old emails still work.",
    )

    def link_secrets(self) -> tuple[bytes, ...]:
        """Return all secrets that open a link, the active one first."""
        retired = self.form_link_retired_secrets.get_secret_value().split(",")
        found = [self.form_link_secret.get_secret_value(), *retired]
        return tuple(secret.strip().encode() for secret in found if secret.strip())

    @property
    def withdraw_url(self) -> str:
        """Public address of the page that withdraws consent."""
        return f"{self.consent_form_url.rstrip('/')}/withdraw"
