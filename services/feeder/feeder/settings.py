"""What the environment can set for the feeder."""

from pydantic import Field, SecretStr

from common.settings import ApiUrl, Key, Settings


class FeederSettings(Settings):
    """Settings of the feeder service."""

    feed_on_holidays: bool = Field(
        default=False, description="Feed on federal holidays, unless a broker says otherwise."
    )
    feed_requires_consent: bool = Field(
        default=False, description="The strict reading: no email without consent either."
    )
    feed_window_hours: float = Field(6, gt=0, le=17, description="How long after 06:00 a missed feed is caught up.")
    feed_top_up_seconds: float = Field(300, gt=0, description="How often, in the window, limits are filled up again.")

    feeder_forgotten_seconds: float = Field(
        900, gt=0, description="A verified lead that no event queued for so long is queued from its state."
    )
    feeder_forgotten_check_seconds: float = Field(300, gt=0, description="How often such leads are looked for.")

    instantly_base_url: ApiUrl = "https://api.instantly.ai"
    instantly_api_key: Key | None = Field(None, description="Without it nothing is sent to Instantly.")
    instantly_timeout_seconds: float = Field(60, gt=0, description="Longest wait for an answer; then it is unknown.")
    instantly_requests_per_second: float = Field(
        20, gt=0, le=100, description="Of all replicas together. Instantly allows 100 a second and 6,000 a minute."
    )
    instantly_bulk: int = Field(1_000, ge=1, le=1_000, description="Leads in one add at the most.")
    reconcile_seconds: float = Field(5, gt=0, description="How often memberships are brought to where they should be.")
    reconcile_settle_seconds: float = Field(
        120, gt=0, description="How long after an add without an answer its absence does not prove that it failed."
    )
    sweep_seconds: float = Field(
        3_600, gt=0, description="How often every campaign is compared with what it should hold."
    )

    consent_form_url: str = Field(
        "http://127.0.0.1:8080/consent", description="Where the link in the emails leads: public https."
    )
    opt_out_url: str | None = Field(None, description="Where the opt-out link leads; default: /opt-out under the form.")
    form_link_secret: SecretStr | None = Field(None, description="Signs the links in emails.")
