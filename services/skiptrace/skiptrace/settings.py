"""What the environment can set for skip tracing."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator

from common.settings import ApiUrl, Key, Settings, Url
from skiptrace.lead import Since, Want
from skiptrace.provider import MOST_RECORDS
from skiptrace.router import Policy, UnknownPolicy

ACTIONS = {"check", "verify", "append", "move"}
"""What Melissa can be asked to do (vendor contracts §4)."""

SPARE = timedelta(seconds=10)
"""Beside the call itself: half of it until the call begins, and half to store its answer."""


class SkiptraceSettings(Settings):
    """Settings of the skiptrace service. A provider without its key is not used."""

    skiptrace_lanes: int = Field(2, ge=1, le=8, description="Members of the consumer group in this process.")
    skiptrace_batch: int = Field(300, ge=1, le=500, description="Leads taken together at the most.")
    skiptrace_in_flight: int = Field(
        MOST_RECORDS, ge=1, le=1_000, description="Records asked about at once in this process: what a crash can cost."
    )
    skiptrace_call_seconds: float = Field(15, gt=0, le=25, description="How long one call may take.")

    skiptrace_order: str = Field(
        "melissa,batchdata,batchdata_dnc,batchdata_tcpa", description="Providers, the first to be asked first."
    )
    skiptrace_cheapest_first: bool = Field(default=False, description="Order by price instead.")
    skiptrace_wants: str = Field(
        "phone,email,dnc,tcpa,mak", description="Of phone, email, dnc, tcpa, mak: what a lead should have."
    )
    skiptrace_asks: int = Field(2, ge=1, le=10, description="Times a provider is asked about a lead in a period.")
    skiptrace_max_cents: Decimal | None = Field(None, gt=0, description="US cents that a lead may cost in a period.")
    skiptrace_fall_back: bool = Field(default=True, description="Ask the next provider while one is down.")
    skiptrace_unknown: UnknownPolicy = Field(
        UnknownPolicy.NEXT_PROVIDER,
        description="What to do when a paid answer may be lost: pay_again, or next_provider.",
    )
    skiptrace_unknown_hours: float = Field(24, gt=0, description="Hours for which next_provider holds.")
    skiptrace_period_days: int = Field(180, ge=1, description="Days for which a verification and an answer count.")
    skiptrace_reverify_per_day: int = Field(
        1_000, ge=0, description="Leads a day that are traced again because their contacts went stale; 0: none."
    )
    skiptrace_forgotten_seconds: float = Field(
        3_600, gt=0, description="A lead about which nobody was asked for so long is traced without its event."
    )
    skiptrace_forgotten_check_seconds: float = Field(300, gt=0, description="How often such leads are looked for.")
    skiptrace_dnc_days: int = Field(
        28, ge=1, le=30, description="Days for which a phone's check against lists counts; the gate allows 31."
    )
    skiptrace_recheck_per_day: int = Field(
        5_000, ge=0, description="Leads a day whose phones are checked again because their check went stale; 0: none."
    )
    skiptrace_answer_days: int = Field(30, ge=1, description="Days that raw answers are kept, sealed.")

    skiptrace_opens_after: int = Field(5, ge=1, description="Failures in a row after which a provider counts as down.")
    skiptrace_pause_seconds: float = Field(0.5, gt=0, le=3_600, description="First pause after a failure; it doubles.")
    skiptrace_longest_pause_seconds: float = Field(60, gt=0, le=3_600, description="Longest pause between tries.")

    melissa_url: Url = "https://personator.melissadata.net"
    melissa_license_key: Key | None = None
    melissa_actions: str = Field("Check,Verify", description="`Check,Verify,Append` also finds, at another price.")
    melissa_records_per_second: int = Field(12, ge=1, description="By licence: 5, 12 (self-service), 200, 400.")
    melissa_cents: Decimal = Field(Decimal(3), ge=0, description="US cents for one record.")
    melissa_batch: int = Field(MOST_RECORDS, ge=1, le=MOST_RECORDS, description="Records of one request.")

    batchdata_url: ApiUrl = "https://api.batchdata.com"
    batchdata_token: Key | None = None
    batchdata_version: Literal["v1", "v3"] = "v1"
    batchdata_phone_cents: Decimal = Field(Decimal(1), ge=0, description="US cents for one check of one phone.")
    batchdata_requests_per_minute: int = Field(3_000, ge=1)
    batchdata_cents: Decimal = Field(Decimal(10), ge=0, description="US cents for one match.")
    batchdata_batch: int = Field(MOST_RECORDS, ge=1, le=MOST_RECORDS, description="Properties of one request.")

    tlo_permissible_purpose_glb: str | None = Field(
        None,
        description="Code of the permissible purpose under the Gramm-Leach-Bliley Act, as the firm's contract has it.",
    )
    tlo_permissible_purpose_dppa: str | None = Field(
        None, description="Code of the permissible use under the Driver's Privacy Protection Act."
    )
    tlo_warning_accepted_by: str | None = Field(
        None, description="Who read the warning of docs/tlo.md and answers for the use: a person's name."
    )
    tlo_cents: Decimal = Field(Decimal(10), ge=0, description="US cents for one match, by the firm's contract.")
    tlo_lease_days: float = Field(
        14, gt=0, le=90, description="Days for which a lead in an exported file is handed to nobody else."
    )

    @field_validator("skiptrace_order")
    @classmethod
    def _names_providers(cls, order: str) -> str:
        """Providers that there are, each once; the default names them all."""
        known = set(_names(str(cls.model_fields["skiptrace_order"].default)))
        return _only(order.lower(), known)

    @field_validator("skiptrace_wants")
    @classmethod
    def _names_wants(cls, wants: str) -> str:
        return _only(wants.lower(), {str(want) for want in Want})

    @field_validator("melissa_actions")
    @classmethod
    def _names_actions(cls, actions: str) -> str:
        return ",".join(name.capitalize() for name in _names(_only(actions.lower(), ACTIONS)))

    @property
    def policy(self) -> Policy:
        """The router's policy."""
        return Policy(
            wants=frozenset(Want(name) for name in _names(self.skiptrace_wants)),
            order=_names(self.skiptrace_order),
            cheapest_first=self.skiptrace_cheapest_first,
            asks=self.skiptrace_asks,
            max_cents=self.skiptrace_max_cents,
            unknown=self.skiptrace_unknown,
            fall_back_on_fault=self.skiptrace_fall_back,
        )

    def since(self, now: datetime) -> Since:
        """From when on answers count at *now*."""
        judged, checked = timedelta(days=self.skiptrace_period_days), timedelta(days=self.skiptrace_dnc_days)
        return Since(now - judged, now - checked)

    @property
    def lease(self) -> timedelta:
        """After that a call without an answer has none: longer than a call, and than its answer takes to be stored."""
        return timedelta(seconds=self.skiptrace_call_seconds) + SPARE


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _only(text: str, known: set[str]) -> str:
    """*text* when it names some of *known*, each once. Raises ValueError."""
    named = _names(text)
    unknown = sorted(set(named) - known)
    if unknown or not named or len(set(named)) < len(named):
        raise ValueError(f"name one or several of {', '.join(sorted(known))}, each once, with commas between")
    return text
