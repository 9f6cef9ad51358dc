"""What Instantly takes in (OpenAPI 2.0.0; contracts §1.2 to §1.7), and its words for what it does not take."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
Scalar = str | int | float | bool | None
LeadStatus = Literal[1, 2, 3, -1, -2, -3]


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class LeadFields(_Request):
    """What can be said of a lead; nothing else is taken."""

    model_config = ConfigDict(strict=True, extra="forbid")

    email: str | None = None
    personalization: str | None = None
    website: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company_name: str | None = None
    job_title: str | None = None
    phone: str | None = None
    lt_interest_status: float | None = None
    pl_value_lead: str | None = None
    assigned_to: Uuid | None = None
    custom_variables: dict[str, Scalar] = Field(default_factory=dict)


class SkipFlags(_Request):
    """Whom to leave out: a lead of any campaign, of any list, or of either."""

    skip_if_in_workspace: bool = False
    skip_if_in_campaign: bool = False
    skip_if_in_list: bool = False


class AddLead(LeadFields, SkipFlags):
    """`POST /leads`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    campaign: Uuid | None = None
    list_id: Uuid | None = None
    blocklist_id: Uuid | None = None
    verify_leads_for_lead_finder: bool = False
    verify_leads_on_import: bool = False


class AddLeads(SkipFlags):
    """`POST /leads/add`."""

    campaign_id: Uuid | None = None
    list_id: Uuid | None = None
    leads: list[LeadFields] = Field(min_length=1, max_length=1_000)
    blocklist_id: Uuid | None = None
    assigned_to: Uuid | None = None
    verify_leads_on_import: bool = False


class ListLeads(_Request):
    """`POST /leads/list`."""

    search: str | None = None
    filter: str | None = None
    campaign: Uuid | None = None
    list_id: Uuid | None = None
    in_campaign: bool | None = None
    in_list: bool | None = None
    ids: list[Uuid] | None = None
    excluded_ids: list[Uuid] | None = None
    contacts: list[str] | None = None
    limit: int = Field(10, ge=1, le=100)
    starting_after: str | None = None


class DeleteLeads(_Request):
    """`DELETE /leads`."""

    campaign_id: Uuid | None = None
    list_id: Uuid | None = None
    status: LeadStatus | None = None
    ids: list[Uuid] | None = None
    limit: int = Field(10_000, ge=1, le=10_000)


class InterestStatus(_Request):
    """`POST /leads/update-interest-status`; null takes the status away."""

    lead_email: str
    interest_value: float | None
    campaign_id: Uuid | None = None
    list_id: Uuid | None = None
    ai_interest_value: float | None = None
    disable_auto_interest: bool = False


class Timing(_Request):
    """From and to, `HH:MM`."""

    start: str = Field(alias="from", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    to: str = Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")


class Schedule(_Request):
    """When a campaign sends."""

    name: str = Field(min_length=1)
    timing: Timing
    days: dict[Literal["0", "1", "2", "3", "4", "5", "6"], bool] = Field(min_length=1)
    timezone: str


class CampaignSchedule(_Request):
    """All schedules of a campaign."""

    start_date: str | None = None
    end_date: str | None = None
    schedules: list[Schedule] = Field(min_length=1)


class Variant(_Request):
    """One wording of a step."""

    subject: str
    body: str
    v_disabled: bool = False


class Step(_Request):
    """One email of a sequence; `delay` comes before the next."""

    type: Literal["email"]
    delay: float = Field(ge=0)
    delay_unit: Literal["minutes", "hours", "days"] = "days"
    variants: list[Variant] = Field(min_length=1)


class Sequence(_Request):
    """The steps of a campaign."""

    steps: list[Step]


class CampaignFields(_Request):
    """`PATCH /campaigns/{id}`: what the sandbox checks; the rest is kept as it came."""

    model_config = ConfigDict(strict=True, extra="allow")

    name: str = ""
    campaign_schedule: CampaignSchedule | None = None
    sequences: list[Sequence] | None = None
    email_list: list[str] | None = None
    daily_limit: float | None = None
    stop_on_reply: bool | None = None
    insert_unsubscribe_header: bool | None = None


class CreateCampaign(CampaignFields):
    """`POST /campaigns`."""

    name: str
    campaign_schedule: CampaignSchedule


class BlockListEntry(_Request):
    """`POST /block-lists-entries`: an email address or a domain."""

    bl_value: str = Field(min_length=1)


class BlockListEntries(_Request):
    """`POST /block-lists-entries/bulk-create`."""

    bl_values: list[str] = Field(min_length=1, max_length=1_000)


class SubscriptionFields(_Request):
    """`PATCH /webhooks/{id}`."""

    target_hook_url: str = Field("", pattern=r"^https?://")
    event_type: str | None = None
    campaign: Uuid | None = None
    name: str | None = None
    headers: dict[str, str] | None = None


class Subscription(SubscriptionFields):
    """`POST /webhooks`."""

    target_hook_url: str = Field(pattern=r"^https?://")


def complaint(error: ValidationError) -> str:
    """The first thing wrong, in the words of Instantly's validator."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ["body", *(str(part) for part in first["loc"] if not _is_branch(part))]
    if first["type"] == "missing":
        return f"{'/'.join(path[:-1])} must have required property '{path[-1]}'"
    if first["type"] == "extra_forbidden":
        return f"{'/'.join(path[:-1])} must NOT have additional properties"
    return f"{'/'.join(path)} is not valid: {first['msg'].lower()}"


def _is_branch(part: Any) -> bool:
    """Pydantic names the member of a union in the path; Instantly does not."""
    return part in {"str", "int", "float", "bool", "none"}
