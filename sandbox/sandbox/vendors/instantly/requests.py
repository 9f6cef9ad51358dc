"""Request bodies of Instantly (OpenAPI 2.0.0; docs/vendors/instantly.md), and the error text of a body that does not fit."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
VariableValue = str | int | float | bool | None
LeadStatus = Literal[1, 2, 3, -1, -2, -3]


class _InstantlyRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class LeadFields(_InstantlyRequest):
    """Fields of a lead. Other fields are refused."""

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
    custom_variables: dict[str, VariableValue] = Field(default_factory=dict)


class SkipFlags(_InstantlyRequest):
    """Flags that exclude emails which are in any campaign, in any list, or in either."""

    skip_if_in_workspace: bool = False
    skip_if_in_campaign: bool = False
    skip_if_in_list: bool = False


class AddLeadRequest(LeadFields, SkipFlags):
    """Body of `POST /leads`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    campaign: Uuid | None = None
    list_id: Uuid | None = None
    blocklist_id: Uuid | None = None
    verify_leads_for_lead_finder: bool = False
    verify_leads_on_import: bool = False


class AddLeadsRequest(SkipFlags):
    """Body of `POST /leads/add`."""

    campaign_id: Uuid | None = None
    list_id: Uuid | None = None
    leads: list[LeadFields] = Field(min_length=1, max_length=1_000)
    blocklist_id: Uuid | None = None
    assigned_to: Uuid | None = None
    verify_leads_on_import: bool = False


class ListLeadsRequest(_InstantlyRequest):
    """Body of `POST /leads/list`."""

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


class DeleteLeadsRequest(_InstantlyRequest):
    """Body of `DELETE /leads`."""

    campaign_id: Uuid | None = None
    list_id: Uuid | None = None
    status: LeadStatus | None = None
    ids: list[Uuid] | None = None
    limit: int = Field(10_000, ge=1, le=10_000)


class SetInterestRequest(_InstantlyRequest):
    """Body of `POST /leads/update-interest-status`; null removes the status."""

    lead_email: str
    interest_value: float | None
    campaign_id: Uuid | None = None
    list_id: Uuid | None = None
    ai_interest_value: float | None = None
    disable_auto_interest: bool = False


class InstantlyTiming(_InstantlyRequest):
    """Start and end of the sending hours, `HH:MM`."""

    start: str = Field(alias="from", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    to: str = Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")


class InstantlySchedule(_InstantlyRequest):
    """Days, hours and time zone in which a campaign sends."""

    name: str = Field(min_length=1)
    timing: InstantlyTiming
    days: dict[Literal["0", "1", "2", "3", "4", "5", "6"], bool] = Field(min_length=1)
    timezone: str


class InstantlyCampaignSchedule(_InstantlyRequest):
    """All schedules of a campaign."""

    start_date: str | None = None
    end_date: str | None = None
    schedules: list[InstantlySchedule] = Field(min_length=1)


class StepVariant(_InstantlyRequest):
    """One version of the email of a step."""

    subject: str
    body: str
    v_disabled: bool = False


class SequenceStep(_InstantlyRequest):
    """One email of a sequence. `delay` is the time until the next step."""

    type: Literal["email"]
    delay: float = Field(ge=0)
    delay_unit: Literal["minutes", "hours", "days"] = "days"
    variants: list[StepVariant] = Field(min_length=1)


class EmailSequence(_InstantlyRequest):
    """The steps of a campaign."""

    steps: list[SequenceStep]


class UpdateCampaignRequest(_InstantlyRequest):
    """Body of `PATCH /campaigns/{id}`: the fields that the sandbox checks. Other fields are stored unchanged."""

    model_config = ConfigDict(strict=True, extra="allow")

    name: str = ""
    campaign_schedule: InstantlyCampaignSchedule | None = None
    sequences: list[EmailSequence] | None = None
    email_list: list[str] | None = None
    daily_limit: float | None = None
    stop_on_reply: bool | None = None
    insert_unsubscribe_header: bool | None = None


class CreateCampaignRequest(UpdateCampaignRequest):
    """Body of `POST /campaigns`."""

    name: str
    campaign_schedule: InstantlyCampaignSchedule


class BlockRequest(_InstantlyRequest):
    """Body of `POST /block-lists-entries`: an email address or a domain."""

    bl_value: str = Field(min_length=1)


class BlockManyRequest(_InstantlyRequest):
    """Body of `POST /block-lists-entries/bulk-create`."""

    bl_values: list[str] = Field(min_length=1, max_length=1_000)


WebhookEventType = Literal[
    "all_events", "email_sent", "email_opened", "email_link_clicked", "reply_received", "email_bounced", "lead_unsubscribed",
    "campaign_completed", "account_error", "lead_neutral", "lead_interested", "lead_not_interested", "lead_meeting_booked",
    "lead_meeting_completed", "lead_closed", "lead_out_of_office", "lead_wrong_person", "lead_no_show",
    "supersearch_enrichment_completed",
]  # fmt: skip
"""Types to which a webhook can subscribe. A delivery can have other types: `auto_reply_received`, or a custom label."""


class UpdateWebhookRequest(_InstantlyRequest):
    """Body of `PATCH /webhooks/{id}`. Other fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid")

    target_hook_url: str = Field("", pattern=r"^https?://")
    event_type: WebhookEventType | None = None
    custom_interest_value: float | None = None
    campaign: Uuid | None = None
    name: str | None = None
    headers: dict[str, str] | None = None


class CreateWebhookRequest(UpdateWebhookRequest):
    """Body of `POST /webhooks`."""

    target_hook_url: str = Field(pattern=r"^https?://")


class ReplyBodyFields(_InstantlyRequest):
    """Body of an answer: HTML, text or both."""

    html: str | None = None
    text: str | None = None


class ReplyToEmailRequest(_InstantlyRequest):
    """Body of `POST /emails/reply`."""

    reply_to_uuid: str
    eaccount: str
    subject: str
    body: ReplyBodyFields
    additional_recipients: list[str] = Field(default_factory=list)
    cc_address_email_list: str | None = None
    bcc_address_email_list: str | None = None
    reminder_ts: str | None = None
    assigned_to: Uuid | None = None


def describe_invalid_request(error: ValidationError) -> str:
    """Return the first error in the wording of Instantly's validator."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ["body", *(str(part) for part in first["loc"] if not _is_union_member(part))]
    if first["type"] == "missing":
        return f"{'/'.join(path[:-1])} must have required property '{path[-1]}'"
    if first["type"] == "extra_forbidden":
        return f"{'/'.join(path[:-1])} must NOT have additional properties"
    return f"{'/'.join(path)} is not valid: {first['msg'].lower()}"


def _is_union_member(part: Any) -> bool:
    """Return whether a part of the path is a member of a union, which pydantic names and Instantly does not."""
    return part in {"str", "int", "float", "bool", "none"}
