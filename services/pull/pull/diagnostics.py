"""The part of pull in `equity doctor`."""

from cli.diagnostics import Finding, ServiceDiagnostics
from common.vendors.errors import VendorCallError
from pull.settings import PullSettings
from pull.vendors.batchdata_mcp import BatchDataMcpClient

CHECK = "vendors"


def check_settings(settings: PullSettings) -> list[Finding]:
    """Return whether BatchData's token is set."""
    if settings.batchdata_token is None:
        return [Finding.ok(CHECK, "pull is off: BATCHDATA_TOKEN is not set")]
    return [Finding.ok(CHECK, f"BatchData's MCP server: the token is set, at {settings.batchdata_mcp_url}")]


async def check_vendors(settings: PullSettings) -> list[Finding]:
    """Return whether BatchData's MCP server accepts the token and has the tool that searches."""
    if settings.batchdata_token is None:
        return []
    client = BatchDataMcpClient(
        settings.batchdata_mcp_url,
        settings.batchdata_token.get_secret_value(),
        settings.batchdata_mcp_transport,
        settings.pull_tool,
        settings.pull_tool_form,
        settings.pull_call_seconds,
    )
    try:
        tool = await client.find_search_tool()
    except VendorCallError as error:
        text = f"BatchData's MCP server: {error}{f' ({error.detail})' if error.detail else ''}"
        return [Finding.problem(CHECK, text, "docs/runbooks/provider-outage.md#pulling-from-batchdata")]
    return [Finding.ok(CHECK, f"BatchData's MCP server accepts the token and has {tool}")]


DIAGNOSTICS = ServiceDiagnostics(PullSettings, check_settings=check_settings, check_vendors=check_vendors)
