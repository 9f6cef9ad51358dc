"""Settings that the environment gives the feeder."""

from pydantic import Field, SecretStr

from common.vendors.instantly import InstantlySettings


class FeederSettings(InstantlySettings):
    """Settings of the feeder service."""

    feed_on_holidays: bool = Field(
        default=False, description="Feed on federal holidays, unless a broker's own setting says otherwise."
    )
    feed_requires_consent: bool = Field(default=False, description="Feed only leads with the seller's consent.")
    feed_window_hours: float = Field(6, gt=0, le=17, description="Hours after 06:00 in which a missed feed still runs.")
    feed_top_up_seconds: float = Field(
        300, gt=0, description="Seconds between two runs that fill limits up again inside the window."
    )

    feeder_recovery_age_seconds: float = Field(
        900, gt=0, description="Age at which a verified lead that no event queued is queued from its state."
    )
    feeder_recovery_check_seconds: float = Field(300, gt=0, description="Seconds between two searches for such leads.")

    instantly_bulk: int = Field(1_000, ge=1, le=1_000, description="Largest number of leads in one add.")
    reconcile_seconds: float = Field(5, gt=0, description="Seconds between two runs of the reconciler.")
    reconcile_late_add_seconds: float = Field(
        120,
        gt=0,
        description="Seconds after an add without a response until a missing lead proves that the add failed.",
    )
    audit_seconds: float = Field(
        3_600, gt=0, description="Seconds between two audits of a campaign against Instantly's list of its members."
    )

    consent_form_url: str = Field(
        "http://127.0.0.1:8082/consent", description="Target of the consent link in emails: a public https page."
    )
    opt_out_url: str | None = Field(
        None, description="Target of the opt-out link; by default /opt-out below the consent form."
    )
    form_link_secret: SecretStr | None = Field(None, description="Secret that signs the links in emails.")
