"""The tools of BatchData's MCP servers (contracts §5.6), and what each answers.

`search_properties` and `lookup_property` are names of the official server; their arguments are not published and stand here as the REST
API has them [L]. `search-properties` and `lookup-property` are the community server's, arguments and wording included [H].
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.vendors.batchdata.api import BatchData
from sandbox.vendors.batchdata.searching import Lookup, Results, Search

_TEXT, _NUMBER, _OBJECT = {"type": "string"}, {"type": "number"}, {"type": "object"}
_ADDRESS = dict.fromkeys(("street", "city", "state", "zip", "county", "apn"), _TEXT)
_FLAT = {
    "query": _TEXT, "minEstimatedValue": _NUMBER, "maxEstimatedValue": _NUMBER, "minEquityPercent": _NUMBER,
    "skip": _NUMBER, "take": _NUMBER,
}  # fmt: skip
_LEAD_IN = "Found 0 properties matching criteria:\n\n"
"""The community server counts fields that BatchData does not send: the number before the document is always 0."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what it takes, the document that it answers, the words before it."""

    description: str
    schema: Mapping[str, Any]
    document: Callable[[Mapping[str, Any], Results], dict[str, Any]]
    """From the arguments, and how the results are spoiled. Raises pydantic.ValidationError."""
    lead_in: str = ""


class Tools:
    """The tools, by name."""

    def __init__(self, batchdata: BatchData) -> None:
        self._batchdata = batchdata
        rest = _schema({"searchCriteria": _OBJECT, "options": _OBJECT}, "searchCriteria")
        lookup = Tool("All that is known of one property", _schema(_ADDRESS, "state"), self._look_up)
        self.by_name = {
            "search_properties": Tool("Search properties by criteria", rest, self._search),
            "lookup_property": lookup,
            "search-properties": Tool("Search properties", _schema(_FLAT), self._search_flat, _LEAD_IN),
            "lookup-property": lookup,
        }

    def _search(self, arguments: Mapping[str, Any], results: Results) -> dict[str, Any]:
        wanted = Search.model_validate(arguments)
        return self._batchdata.search(wanted.criteria, results.page(wanted.options), results.shift)

    def _search_flat(self, arguments: Mapping[str, Any], results: Results) -> dict[str, Any]:
        options = {name: arguments[name] for name in ("skip", "take") if name in arguments}
        return self._search({"searchCriteria": _criteria(arguments), "options": {"take": 10, **options}}, results)

    def _look_up(self, arguments: Mapping[str, Any], _results: Results) -> dict[str, Any]:
        return self._batchdata.look_up([Lookup.model_validate({"address": arguments, "apn": arguments.get("apn")})])


def _schema(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required)}


def _criteria(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The community server's flat arguments as search criteria."""
    bounds = {
        "estimatedValue": {"min": arguments.get("minEstimatedValue"), "max": arguments.get("maxEstimatedValue")},
        "equityPercent": {"min": arguments.get("minEquityPercent")},
    }
    given = {name: {end: value for end, value in bound.items() if value} for name, bound in bounds.items()}
    return {"query": arguments.get("query", ""), "valuation": given}
