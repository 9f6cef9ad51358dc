"""Shapes of Instantly API v2 (docs/vendors/instantly.md).

Source: OpenAPI 2.0.0, `bulkAddLeads`, `createCampaign`, schemas `Lead` and `Campaign`. Certainty H, as
docs/vendors/README.md defines it.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from contracts import Closed, Open

Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Time = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Hour = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):([0-5][0-9])$")]
Zone = Literal[
    "America/Anchorage", "America/Dawson", "America/Creston", "America/Chihuahua", "America/Boise", "America/Belize", "America/Chicago",
    "America/Bahia_Banderas", "America/Regina", "America/Bogota", "America/Detroit", "America/Indiana/Marengo", "America/Caracas",
]  # fmt: skip
"""Zones of North America in the enum of `timezone`. It lacks New_York, Los_Angeles, Denver, Phoenix and Honolulu."""
Scalar = str | int | float | bool | None
"""Custom variables are never objects or lists."""


class NewLead(Closed):
    """Item of `leads`. Further properties are rejected."""

    email: str | None = None
    personalization: str | None = None
    website: str | None = None
    last_name: str | None = None
    first_name: str | None = None
    company_name: str | None = None
    job_title: str | None = None
    phone: str | None = None
    lt_interest_status: int | None = None
    pl_value_lead: str | None = None
    assigned_to: Uuid | None = None
    custom_variables: dict[str, Scalar] = Field(default_factory=dict)


class BulkAdd(Closed):
    """Request of `POST /api/v2/leads/add`, for a campaign or a list, not both."""

    campaign_id: Uuid | None = None
    list_id: Uuid | None = None
    leads: list[NewLead] = Field(min_length=1, max_length=1_000)
    blocklist_id: Uuid | None = None
    assigned_to: Uuid | None = None
    verify_leads_on_import: bool = False
    skip_if_in_workspace: bool = False
    skip_if_in_campaign: bool = False
    skip_if_in_list: bool = False

    @model_validator(mode="after")
    def names_one_place(self) -> "BulkAdd":
        assert (self.campaign_id is None) != (self.list_id is None), "campaign_id or list_id, not both"
        return self


class CreatedLead(Closed):
    """Created lead with the index of its item in the request."""

    index: int
    id: Uuid
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None


class BulkAdded(Closed):
    """Response of `POST /api/v2/leads/add`, status 200. It counts each item that was not created once."""

    status: str
    total_sent: int
    leads_uploaded: int
    in_blocklist: int
    blocklist_used: str | None
    duplicated_leads: int
    skipped_count: int
    invalid_email_count: int
    incomplete_count: int
    duplicate_email_count: int
    remaining_in_plan: int | None
    created_leads: list[CreatedLead]

    @model_validator(mode="after")
    def counts_every_item_once(self) -> "BulkAdded":
        left_out = (
            self.in_blocklist, self.duplicated_leads, self.skipped_count, self.invalid_email_count, self.incomplete_count,
            self.duplicate_email_count,
        )  # fmt: skip
        assert self.leads_uploaded == len(self.created_leads)
        assert self.total_sent == self.leads_uploaded + sum(left_out)
        return self


class Lead(Closed):
    """Schema `Lead`, whose `additionalProperties` is false."""

    id: Uuid
    timestamp_created: Time
    timestamp_updated: Time
    organization: Uuid
    status: Literal[1, 2, 3, -1, -2, -3]
    email_open_count: int
    email_reply_count: int
    email_click_count: int
    company_domain: str
    status_summary: dict[str, Any]
    campaign: Uuid | None = None
    list_id: Uuid | None = None
    email: str | None = None
    personalization: str | None = None
    website: str | None = None
    last_name: str | None = None
    first_name: str | None = None
    company_name: str | None = None
    job_title: str | None = None
    phone: str | None = None
    payload: dict[str, Scalar] | None = None
    status_summary_subseq: dict[str, Any] | None = None
    last_step_from: str | None = None
    last_step_id: Uuid | None = None
    last_step_timestamp_executed: Time | None = None
    email_opened_step: int | None = None
    email_opened_variant: int | None = None
    email_replied_step: int | None = None
    email_replied_variant: int | None = None
    email_clicked_step: int | None = None
    email_clicked_variant: int | None = None
    lt_interest_status: int | None = None
    subsequence_id: str | None = None
    verification_status: Literal[1, -1, -2, -3, -4, 11, 12] | None = None
    pl_value_lead: str | None = None
    timestamp_added_subsequence: Time | None = None
    timestamp_last_contact: Time | None = None
    timestamp_last_open: Time | None = None
    timestamp_last_reply: Time | None = None
    timestamp_last_interest_change: Time | None = None
    timestamp_last_click: Time | None = None
    timestamp_last_touch: Time | None = None
    enrichment_status: Literal[1, -1, 11, -2] | None = None
    last_contacted_from: str | None = None
    uploaded_by_user: Uuid | None = None
    upload_method: Literal["manual", "api", "website-visitor"] | None = None
    assigned_to: Uuid | None = None
    is_website_visitor: bool | None = None
    esp_code: Literal[0, 1, 2, 3, 8, 9, 10, 12, 13, 999, 1000] | None = None
    esg_code: Literal[0, 1, 2, 3, 4] | None = None


class LeadPage(Closed):
    """Response of `POST /api/v2/leads/list`. The last page may have `next_starting_after`, too."""

    items: list[Lead]
    next_starting_after: str | None = None


class Deleted(Closed):
    """Response of `DELETE /api/v2/leads`."""

    count: int


class InterestSet(Closed):
    """Response of `POST /api/v2/leads/update-interest-status`, status 202."""

    message: str


class Timing(Closed):
    """Sending hours, from and to."""

    start: Hour = Field(alias="from")
    to: Hour


class Schedule(Closed):
    """Sending schedule of a campaign."""

    name: str
    timing: Timing
    days: dict[Literal["0", "1", "2", "3", "4", "5", "6"], bool] = Field(min_length=1)
    timezone: Zone


class CampaignSchedule(Closed):
    """Schedules of a campaign."""

    start_date: str | None = None
    end_date: str | None = None
    schedules: list[Schedule] = Field(min_length=1)


class Variant(Closed):
    """Wording of a step."""

    subject: str
    body: str
    v_disabled: bool = False


class Step(Open):
    """Email of a sequence. `delay` precedes the next one."""

    type: Literal["email"]
    delay: int | float
    delay_unit: Literal["minutes", "hours", "days"] = "days"
    variants: list[Variant]


class Sequence(Closed):
    """Sequence of steps. Instantly uses only the first one of a campaign."""

    steps: list[Step]


class NewCampaign(Open):
    """Request of `POST /api/v2/campaigns`."""

    name: str
    campaign_schedule: CampaignSchedule
    sequences: list[Sequence] = Field(default_factory=list)
    email_list: list[str] = Field(default_factory=list)
    daily_limit: int | None = None
    stop_on_reply: bool | None = None
    insert_unsubscribe_header: bool | None = None


class Campaign(Open):
    """Schema `Campaign`."""

    id: Uuid
    name: str
    status: Literal[0, 1, 2, 3, 4, -99, -1, -2]
    campaign_schedule: CampaignSchedule
    timestamp_created: Time
    timestamp_updated: Time
    organization: Uuid


class CampaignPage(Closed):
    """Response of `GET /api/v2/campaigns`."""

    items: list[Campaign]
    next_starting_after: str | None = None


class Failure(Closed):
    """Response with status 400 and above."""

    statusCode: int
    error: str
    message: str


class BlockListEntry(Open):
    """Response of `POST /api/v2/block-lists-entries`."""

    id: Uuid
    timestamp_created: Time
    organization_id: Uuid
    bl_value: str
    is_domain: bool


class Delivery(Open):
    """Body of a webhook: flat, with lead fields and custom variables as text at the top level. Unknown event types are possible."""

    timestamp: Time
    event_type: str
    workspace: Uuid
    campaign_id: Uuid
    campaign_name: str
    lead_email: str | None = None
    email: str | None = None
