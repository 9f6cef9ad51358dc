"""Settings of skip tracing."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator

from common.settings import ApiKey, ApiUrl, Settings, Url
from common.vendors.policy import RateLimit, VendorPolicy
from skiptrace.rules.lead import DataNeed, FreshnessCutoffs
from skiptrace.rules.waterfall import UnknownPolicy, WaterfallPolicy
from skiptrace.trace.provider import MAX_RECORDS_PER_REQUEST

MELISSA_ACTIONS = {"check", "verify", "append", "move"}
"""Actions of Melissa's Personator (docs/vendors/melissa.md, Request)."""

CALL_START_MARGIN = timedelta(seconds=5)
"""Time between the log entry of a request and the start of its call."""
RESPONSE_STORE_MARGIN = timedelta(seconds=5)
"""Time between the end of a call and the commit of its response."""


class SkiptraceSettings(Settings):
    """Settings of the skiptrace service. A provider without its key is not used."""

    skiptrace_consumer_instances: int = Field(2, ge=1, le=8, description="Consumer instances in this process.")
    skiptrace_batch: int = Field(300, ge=1, le=500, description="Maximum number of leads in one batch.")
    skiptrace_in_flight: int = Field(
        MAX_RECORDS_PER_REQUEST,
        ge=1,
        le=1_000,
        description="Maximum number of records in flight in this process. A crash can cost that many.",
    )
    skiptrace_call_seconds: float = Field(15, gt=0, le=25, description="Time limit of one provider call.")

    skiptrace_order: str = Field(
        "melissa,batchdata,batchdata_dnc,batchdata_tcpa", description="Order of the providers, the first to ask first."
    )
    skiptrace_cheapest_first: bool = Field(default=False, description="Order the providers by price instead.")
    skiptrace_data_needs: str = Field(
        "phone,email,dnc,tcpa,mak",
        description="Data that a lead should have, of phone, email, dnc, tcpa, mak. Without dnc the gate refuses most "
        "phones as `dnc_unknown`.",
    )
    skiptrace_max_attempts: int = Field(
        2, ge=1, le=10, description="Maximum number of requests to one provider about a lead in a period."
    )
    skiptrace_max_cents: Decimal | None = Field(
        None, gt=0, description="US cents that a lead may cost in a period. Unset: no limit."
    )
    skiptrace_fall_back: bool = Field(default=True, description="Ask the next provider while one is down.")
    skiptrace_unknown: UnknownPolicy = Field(
        UnknownPolicy.NEXT_PROVIDER,
        description="Treatment of a lead after a paid response may be lost.",
    )
    skiptrace_unknown_hours: float = Field(24, gt=0, description="Hours for which an unknown outcome counts.")
    skiptrace_period_days: int = Field(
        180, ge=1, description="The period: days for which a verification and a response count."
    )
    skiptrace_reverify_per_day: int = Field(
        1_000, ge=0, description="Leads a day that are traced again because their contacts are outdated; 0: none."
    )
    skiptrace_recovery_age_seconds: float = Field(
        3_600, gt=0, description="Age at which a lead without any request is traced without its event."
    )
    skiptrace_recovery_check_seconds: float = Field(
        300, gt=0, description="Interval of the search for such leads, and for signed numbers without a verification."
    )
    skiptrace_dnc_days: int = Field(
        28, ge=1, le=30, description="Days for which a phone's check against lists counts; the gate allows 31."
    )
    skiptrace_recheck_per_day: int = Field(
        5_000, ge=0, description="Leads a day whose phones are checked again because the check is outdated; 0: none."
    )
    skiptrace_response_days: int = Field(30, ge=1, description="Days for which raw responses are kept, encrypted.")

    skiptrace_failure_threshold: int = Field(5, ge=1, description="Failures in a row that open a provider's circuit.")
    skiptrace_first_backoff_seconds: float = Field(
        0.5, gt=0, le=3_600, description="First backoff after a failure; it doubles with each further failure."
    )
    skiptrace_longest_backoff_seconds: float = Field(60, gt=0, le=3_600, description="Longest backoff.")

    melissa_url: Url = Field("https://personator.melissadata.net", description="Address of Melissa's Personator.")
    melissa_license_key: ApiKey | None = Field(None, description="Licence key. Without it Melissa is not called.")
    melissa_actions: str = Field(
        "Check,Verify",
        description="Actions of Personator: Check, Verify, Append, Move. Append also finds, at another price.",
    )
    melissa_records_per_second: int = Field(
        12, ge=1, description="Limit of the licence: 5, 12 (self-service), 200 or 400."
    )
    melissa_cents: Decimal = Field(Decimal(3), ge=0, description="US cents for one record, by the licence.")
    melissa_batch: int = Field(
        MAX_RECORDS_PER_REQUEST,
        ge=1,
        le=MAX_RECORDS_PER_REQUEST,
        description="Maximum number of records in one request.",
    )

    batchdata_url: ApiUrl = Field("https://api.batchdata.com", description="Address of BatchData's API.")
    batchdata_token: ApiKey | None = Field(None, description="Token. Without it BatchData is not called.")
    batchdata_version: Literal["v1", "v3"] = Field(
        "v1", description="Version of the API; v3 needs its own subscription."
    )
    batchdata_phone_cents: Decimal = Field(
        Decimal(1),
        ge=0,
        description="US cents for one check of one phone. Each verified phone has two every `SKIPTRACE_DNC_DAYS`.",
    )
    batchdata_requests_per_minute: int = Field(3_000, ge=1, description="Limit of the token.")
    batchdata_cents: Decimal = Field(Decimal(10), ge=0, description="US cents for one match.")
    batchdata_batch: int = Field(
        MAX_RECORDS_PER_REQUEST,
        ge=1,
        le=MAX_RECORDS_PER_REQUEST,
        description="Maximum number of properties in one request.",
    )

    tlo_permissible_purpose_glb: str | None = Field(
        None,
        description="Code of the permissible purpose under the Gramm-Leach-Bliley Act, as in the firm's contract.",
    )
    tlo_permissible_purpose_dppa: str | None = Field(
        None, description="Code of the permissible use under the Driver's Privacy Protection Act."
    )
    tlo_warning_accepted_by: str | None = Field(
        None, description="Name of the person who read the warning of the page on TLOxp and is responsible for the use."
    )
    tlo_cents: Decimal = Field(Decimal(10), ge=0, description="US cents for one match, by the firm's contract.")
    tlo_lease_days: float = Field(14, gt=0, le=90, description="Days for which an exported lead is in no other export.")

    @field_validator("skiptrace_order")
    @classmethod
    def _check_order(cls, order: str) -> str:
        """Accept known providers, each once. The default names all known providers."""
        known = set(_split_names(str(cls.model_fields["skiptrace_order"].default)))
        return _check_names(order.lower(), known)

    @field_validator("skiptrace_data_needs")
    @classmethod
    def _check_needs(cls, needs: str) -> str:
        return _check_names(needs.lower(), {str(need) for need in DataNeed})

    @field_validator("melissa_actions")
    @classmethod
    def _check_actions(cls, actions: str) -> str:
        return ",".join(name.capitalize() for name in _split_names(_check_names(actions.lower(), MELISSA_ACTIONS)))

    @property
    def policy(self) -> WaterfallPolicy:
        """The waterfall's policy."""
        return WaterfallPolicy(
            needs=frozenset(DataNeed(name) for name in _split_names(self.skiptrace_data_needs)),
            order=_split_names(self.skiptrace_order),
            cheapest_first=self.skiptrace_cheapest_first,
            max_attempts=self.skiptrace_max_attempts,
            max_cents=self.skiptrace_max_cents,
            unknown=self.skiptrace_unknown,
            fall_back_on_fault=self.skiptrace_fall_back,
        )

    def freshness_cutoffs(self, now: datetime) -> FreshnessCutoffs:
        """Return the times from which earlier results count at *now*."""
        return FreshnessCutoffs(
            verification=now - timedelta(days=self.skiptrace_period_days),
            phone_check=now - timedelta(days=self.skiptrace_dnc_days),
        )

    def vendor_policy(self, provider: str, rate: RateLimit) -> VendorPolicy:
        """Return the policy of calls to a provider with this published rate limit."""
        return VendorPolicy(
            provider,
            rate,
            probe_seconds=self.request_lease.total_seconds(),
            first_backoff_seconds=self.skiptrace_first_backoff_seconds,
            longest_backoff_seconds=self.skiptrace_longest_backoff_seconds,
            access_denied_backoff_seconds=self.skiptrace_longest_backoff_seconds,
            failure_threshold=self.skiptrace_failure_threshold,
        )

    @property
    def request_lease(self) -> timedelta:
        """Time after which a request without a response is unknown: the call, its start and the commit of its response."""
        return CALL_START_MARGIN + timedelta(seconds=self.skiptrace_call_seconds) + RESPONSE_STORE_MARGIN


def _split_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _check_names(text: str, known: set[str]) -> str:
    """Return *text* if it names some of *known*, each once. Raises ValueError otherwise."""
    named = _split_names(text)
    unknown = sorted(set(named) - known)
    if unknown or not named or len(set(named)) < len(named):
        raise ValueError(f"name one or more of {', '.join(sorted(known))}, each once, separated by commas")
    return text
