"""Settings of automatic answers, and the links in them."""

from dataclasses import dataclass
from typing import Self

from pydantic import Field, SecretStr

from common.compliance.links import build_lead_link
from common.ids import LeadId
from common.vendors.instantly import InstantlySettings
from common.vendors.public_urls import is_sandbox_url, url_problem


class AnswerSettings(InstantlySettings):
    """Settings of automatic answers. Without INSTANTLY_API_KEY or FORM_LINK_SECRET no answer is sent."""

    consent_form_url: str = Field(
        "http://127.0.0.1:8082/consent", description="Target of the consent link in answers: a public https page."
    )
    opt_out_url: str | None = Field(
        None, description="Target of the opt-out link; by default /opt-out below the consent form."
    )
    form_link_secret: SecretStr | None = Field(
        None, description="Secret that signs the links in emails; the same as the feeder's."
    )
    postal_address: str | None = Field(
        None, description="Postal address in answers to campaigns that were stored without one."
    )
    answer_check_seconds: float = Field(2, gt=0, description="Seconds between two searches for answers that are due.")
    answer_max_age_hours: float = Field(
        24, gt=0, description="An answer that could not be sent for longer is skipped as too late."
    )
    answer_retry_seconds: float = Field(
        30, gt=0, description="Shortest wait before an answer is tried again that was certainly not sent."
    )
    answer_lookup_seconds: float = Field(
        60, gt=0, description="Wait before an answer without a response is looked up, and between two look-ups."
    )
    answer_lookup_hours: float = Field(
        24, gt=0, description="Hours after which an answer that was never found is given up. It is not sent again."
    )
    instantly_email_lists_per_minute: int = Field(
        18, ge=1, le=20, description="Rate of `GET /emails` of all replicas together. Instantly allows 20 a minute."
    )


class AnswerSettingsError(ValueError):
    """A setting without which no answer can be sent. The text has no secret."""


@dataclass(frozen=True, slots=True)
class AnswerLinks:
    """Targets of the links in answers, and the secret that signs them."""

    consent_url: str
    opt_out_url: str
    secret: bytes

    @classmethod
    def from_settings(cls, settings: AnswerSettings) -> Self:
        """Return the links of *settings*. Raises AnswerSettingsError for a missing secret, or a link that people cannot open."""
        secret = settings.form_link_secret.get_secret_value() if settings.form_link_secret else ""
        if not secret:
            raise AnswerSettingsError("FORM_LINK_SECRET is not set: it signs the links in answers")
        form = settings.consent_form_url.rstrip("/")
        links = cls(form, settings.opt_out_url or f"{form}/opt-out", secret.encode())
        if not is_sandbox_url(settings.instantly_base_url):
            for url in (links.consent_url, links.opt_out_url):
                if problem := url_problem(url):
                    raise AnswerSettingsError(f"a link in answers {problem}: set CONSENT_FORM_URL or OPT_OUT_URL")
        return links

    def build(self, lead_id: LeadId) -> dict[str, str]:
        """Return the links of a lead by the names of their blanks."""
        return {
            "consent_link": build_lead_link(self.consent_url, self.secret, lead_id),
            "opt_out_link": build_lead_link(self.opt_out_url, self.secret, lead_id),
        }
