"""Tools of BatchData's MCP servers (docs/vendors/batchdata.md, Property search over MCP).

`search_properties` and `lookup_property` are names of the official server. Their arguments are not published; the sandbox takes those of the
REST API, which is a guess. `search-properties` and `lookup-property` are tools of the community server
(github.com/zellerhaus/batchdata-mcp-real-estate), and have its arguments and wording.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.vendors.batchdata.property_requests import PropertyLookup, PropertySearchRequest, ToolFaults
from sandbox.vendors.batchdata.server import BatchDataServer

_TEXT, _NUMBER, _OBJECT = {"type": "string"}, {"type": "number"}, {"type": "object"}
_ADDRESS_ARGUMENTS = dict.fromkeys(("street", "city", "state", "zip", "county", "apn"), _TEXT)
_FLAT_ARGUMENTS = {
    "query": _TEXT, "minEstimatedValue": _NUMBER, "maxEstimatedValue": _NUMBER, "minEquityPercent": _NUMBER,
    "skip": _NUMBER, "take": _NUMBER,
}  # fmt: skip
_FLAT_PAGE_SIZE = 10
_LEAD_IN = "Found 0 properties matching criteria:\n\n"
"""The number is always 0: the community server counts fields that BatchData does not send."""


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool: its input schema, its response document, and the text before the document."""

    description: str
    schema: Mapping[str, Any]
    create_document: Callable[[Mapping[str, Any], ToolFaults], dict[str, Any]]
    """Returns the document for the arguments, under the faults. Raises pydantic.ValidationError."""
    lead_in: str = ""


class McpTools:
    """The tools, by name."""

    def __init__(self, batchdata: BatchDataServer) -> None:
        self._batchdata = batchdata
        rest_schema = _object_schema({"searchCriteria": _OBJECT, "options": _OBJECT}, "searchCriteria")
        lookup_schema = _object_schema(_ADDRESS_ARGUMENTS, "state")
        lookup = McpTool("All that is known of one property", lookup_schema, self._look_up)
        self.by_name = {
            "search_properties": McpTool("Search properties by criteria", rest_schema, self._search),
            "lookup_property": lookup,
            "search-properties": McpTool(
                "Search properties", _object_schema(_FLAT_ARGUMENTS), self._search_flat, _LEAD_IN
            ),
            "lookup-property": lookup,
        }

    def _search(self, arguments: Mapping[str, Any], faults: ToolFaults) -> dict[str, Any]:
        request = PropertySearchRequest.model_validate(arguments)
        return self._batchdata.search_properties(request.criteria, faults.change_page(request.options), faults.shift)

    def _search_flat(self, arguments: Mapping[str, Any], faults: ToolFaults) -> dict[str, Any]:
        page = {name: arguments[name] for name in ("skip", "take") if name in arguments}
        options = {"take": _FLAT_PAGE_SIZE, **page}
        return self._search({"searchCriteria": _criteria(arguments), "options": options}, faults)

    def _look_up(self, arguments: Mapping[str, Any], _faults: ToolFaults) -> dict[str, Any]:
        lookup = PropertyLookup.model_validate({"address": arguments, "apn": arguments.get("apn")})
        return self._batchdata.look_up_properties([lookup])


def _object_schema(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def _criteria(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the search criteria for the flat arguments of the community server."""
    ranges = {
        "estimatedValue": {"min": arguments.get("minEstimatedValue"), "max": arguments.get("maxEstimatedValue")},
        "equityPercent": {"min": arguments.get("minEquityPercent")},
    }
    given = {name: {end: value for end, value in ends.items() if value} for name, ends in ranges.items()}
    return {"query": arguments.get("query", ""), "valuation": given}
