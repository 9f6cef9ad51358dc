"""What the environment can set for the pull."""

from datetime import timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field

from common.settings import Key, Settings, Url


class PullSettings(Settings):
    """Settings of the pull service. Without BATCHDATA_TOKEN it pulls nothing."""

    batchdata_token: Key | None = Field(None, description="The account's token; the MCP server takes it as Bearer.")
    batchdata_mcp_url: Url = Field(
        "https://mcp.batchdata.com", description="The MCP server, its path included, such as `…/mcp` or `…/sse`."
    )
    batchdata_mcp_transport: Literal["http", "sse"] = Field("http", description="Streamable HTTP, or the older SSE.")

    pull_tool: str | None = Field(
        None, description="The tool that searches; default: `search_properties`, else `search-properties`."
    )
    pull_tool_form: Literal["rest", "flat"] | None = Field(
        None,
        description="Its arguments: `rest` as the REST API has them, `flat` as the community server does; default: by "
        "the tool's name.",
    )
    pull_page: int = Field(25, ge=1, le=500, description="Records asked for at once: what a crash can cost.")
    pull_call_seconds: float = Field(20, gt=0, le=25, description="How long one page may take; then it is unknown.")
    pull_tries: int = Field(4, ge=1, le=10, description="Times a page is asked for while that costs nothing.")
    pull_pause_seconds: float = Field(1, gt=0, description="First pause between tries; it doubles.")
    pull_longest_pause_seconds: float = Field(
        60, gt=0, le=600, description="Longest pause; who asks for a longer one is asked again by the next run."
    )
    pull_unknown_pages: int = Field(
        5, ge=1, description="Pages of a search that may be paid for in vain on one day; then it rests until the next."
    )

    pull_cents: Decimal = Field(Decimal(1), ge=0, description="US cents for one record, by the plan.")
    pull_daily_records: int = Field(1_000, ge=0, description="Records of all searches on one local day.")
    pull_daily_cents: Decimal | None = Field(None, ge=0, description="US cents of all searches on one local day.")

    pull_window_hours: float = Field(
        6, gt=0, le=19, description="How long after 04:00 a pull is begun or gone on with."
    )
    pull_catch_up_seconds: float = Field(
        300, gt=0, description="How often, in the window, what stopped is gone on with."
    )
    pull_reject_days: int = Field(30, ge=1, description="Days that properties that could not be read are kept, sealed.")

    @property
    def window(self) -> timedelta:
        """How long after 04:00 the pull may begin."""
        return timedelta(hours=self.pull_window_hours)

    @property
    def lease(self) -> timedelta:
        """After that another replica may go on with a search: longer than a page and the longest pause behind it."""
        return timedelta(seconds=self.pull_call_seconds + self.pull_longest_pause_seconds + 10)
