"""Settings of the pull service, read from environment variables of the same names."""

from datetime import timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field

from common.settings import ApiKey, Settings, Url
from common.vendors.policy import RateLimit, VendorPolicy

LEASE_MARGIN_SECONDS = 10


class PullSettings(Settings):
    """Settings of the pull service. Without BATCHDATA_TOKEN it pulls nothing."""

    batchdata_token: ApiKey | None = Field(
        None,
        description="Token of the account, which the MCP server accepts as a bearer token. Without it nothing is pulled.",
    )
    batchdata_mcp_url: Url = Field(
        "https://mcp.batchdata.com", description="The MCP server, including its path, such as `…/mcp` or `…/sse`."
    )
    batchdata_mcp_transport: Literal["http", "sse"] = Field("http", description="Streamable HTTP, or the older SSE.")

    batchdata_requests_per_minute: int = Field(
        3_000, ge=1, description="Limit of the token, which skip tracing uses as well."
    )

    pull_tool: str | None = Field(
        None, description="The tool that searches; default: `search_properties`, or else `search-properties`."
    )
    pull_tool_form: Literal["rest", "flat"] | None = Field(
        None,
        description="The form of the tool's arguments: `rest` as in the REST API, `flat` as in the community server; "
        "default: by the tool's name.",
    )
    pull_page: int = Field(
        25,
        ge=1,
        le=500,
        description="Records of one page, which is the most that a crash can cost. Some accounts get at most 25.",
    )
    pull_call_seconds: float = Field(
        20, gt=0, le=25, description="Deadline of a page request. After it the outcome is unknown."
    )
    pull_max_attempts: int = Field(4, ge=1, le=10, description="Attempts for one page while a failure costs nothing.")
    pull_first_backoff_seconds: float = Field(
        1, gt=0, description="First backoff between attempts; each further one doubles."
    )
    pull_longest_backoff_seconds: float = Field(
        60,
        gt=0,
        le=600,
        description="Longest backoff between attempts. If BatchData requests a longer one, the next pull tries again.",
    )
    pull_unknown_pages: int = Field(
        5,
        ge=1,
        description="Pages of a search that may be charged without a response on one local day. At this limit the "
        "search stops until the next day.",
    )

    pull_cents: Decimal = Field(Decimal(1), ge=0, description="US cents for one record in the account's plan. Set it.")
    pull_daily_records: int = Field(1_000, ge=0, description="Budget in records for all searches on one local day.")
    pull_daily_cents: Decimal | None = Field(
        None, ge=0, description="Budget in US cents for all searches on one local day. Unset: no such limit."
    )

    pull_window_hours: float = Field(
        6, gt=0, le=19, description="Hours after 04:00 in which a pull may start or continue."
    )
    pull_catch_up_seconds: float = Field(
        300, gt=0, description="Seconds between attempts to continue a stopped pull within the window."
    )
    pull_reject_days: int = Field(30, ge=1, description="Days for which rejected entries are stored, encrypted.")

    @property
    def window(self) -> timedelta:
        """Return the time after 04:00 in which the pull may start."""
        return timedelta(hours=self.pull_window_hours)

    def vendor_policy(self, vendor: str) -> VendorPolicy:
        """Return the policy of page requests. They count under the token's limit, as skip tracing does."""
        return VendorPolicy(
            vendor,
            RateLimit(self.batchdata_requests_per_minute, 60, shared_with="batchdata"),
            probe_seconds=self.pull_call_seconds + LEASE_MARGIN_SECONDS,
            first_backoff_seconds=self.pull_first_backoff_seconds,
            longest_backoff_seconds=self.pull_longest_backoff_seconds,
            access_denied_backoff_seconds=self.pull_longest_backoff_seconds,
        )

    @property
    def lease(self) -> timedelta:
        """Return the time after which another replica may continue a search.

        It is longer than one page request and the longest backoff after it.
        """
        return timedelta(seconds=self.pull_call_seconds + self.pull_longest_backoff_seconds + LEASE_MARGIN_SECONDS)
