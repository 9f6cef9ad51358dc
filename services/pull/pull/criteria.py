"""Criteria of a saved search, in the terms of BatchData's property search; docs/batchdata-pull.md lists them.

A search that BatchData misunderstands costs money. So criteria that its documentation does not name are rejected here and never
sent.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

QuickList = Annotated[str, StringConstraints(pattern=r"^(not-)?[a-z]+(-[a-z]+)*$")]
IsoDay = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class CriteriaError(ValueError):
    """Invalid criteria. Each of *faults* names a place and what is wrong there."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class _CriteriaModel(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Bounds(_CriteriaModel):
    """Range with an inclusive minimum, maximum or both. A day is written `2024-05-31`."""

    min: float | IsoDay | None = None
    max: float | IsoDay | None = None

    @model_validator(mode="after")
    def _check_range(self) -> "Bounds":
        low, high = self.min, self.max
        if low is None and high is None:
            raise ValueError("min, max or both")
        if low is None or high is None:
            return self
        if isinstance(low, str) is not isinstance(high, str):
            raise ValueError("min and max are both numbers or both days")
        if (str(low) > str(high)) if isinstance(low, str) else (float(low) > float(high)):
            raise ValueError("min is above max")
        return self


class Demographics(_CriteriaModel):
    """Facts about the owner. Only age is possible, and only for some products (`pull.age_products`)."""

    age: Bounds | None = None


class SearchCriteria(_CriteriaModel):
    """`searchCriteria` of a search: the place, quick lists (all of, any of), and bounds by part and field."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
    quickLists: list[QuickList] = Field(default_factory=list, max_length=50)  # noqa: N815 - BatchData's name
    orQuickLists: list[QuickList] = Field(default_factory=list, max_length=50)  # noqa: N815 - BatchData's name
    valuation: dict[str, Bounds] = Field(default_factory=dict)
    demographics: Demographics = Demographics()
    building: dict[str, Bounds] = Field(default_factory=dict)
    openLien: dict[str, Bounds] = Field(default_factory=dict)  # noqa: N815 - BatchData's name
    sale: dict[str, Bounds] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_contradictions(self) -> "SearchCriteria":
        contradicted = [name for name in self.quickLists if f"not-{name}" in self.quickLists]
        if contradicted:
            raise ValueError(f"quickLists has both {contradicted[0]} and not-{contradicted[0]}")
        return self


def read_criteria(text: str | bytes) -> dict[str, Any]:
    """Return the criteria of a JSON document in the form that the database stores. Raises CriteriaError."""
    try:
        document: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CriteriaError([f"not JSON: {error.msg} at line {error.lineno}"]) from error
    if isinstance(document, dict) and isinstance(document.get("searchCriteria"), dict):
        document = document["searchCriteria"]
    try:
        criteria = SearchCriteria.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise CriteriaError([_describe_fault(fault) for fault in faults]) from error
    return criteria.model_dump(exclude_defaults=True)


def _describe_fault(fault: Any) -> str:
    """Return one validation error as a sentence for the operator, with its place."""
    place = ".".join(str(step) for step in fault["loc"] if step not in ("float", "constrained-str"))
    if fault["type"] == "extra_forbidden":
        known = ", ".join(_MODEL_BY_DEPTH[min(place.count("."), 2)].model_fields)
        return f"{place}: unknown here; known are {known}"
    if fault["type"] == "missing":
        return f'{place}: is needed, such as "Pinellas County, FL"'
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "string_pattern_mismatch" and "ickLists" in place:
        message = "a quick list is written such as owner-occupied or not-vacant"
    return f"{place}: {message}" if place else message


_MODEL_BY_DEPTH: tuple[type[BaseModel], ...] = (SearchCriteria, Demographics, Bounds)
"""Model of the fields at each depth of a place. Only `demographics` has a closed list at the second."""

_FLAT_ARGUMENTS = {
    "valuation.estimatedValue.min": "minEstimatedValue",
    "valuation.estimatedValue.max": "maxEstimatedValue",
    "valuation.equityPercent.min": "minEquityPercent",
}
"""Arguments of the community server's tool, by the place in the criteria."""


def flatten_criteria(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """Return *criteria* as arguments of the community server's tool.

    Raises CriteriaError for criteria without an argument: leaving them out would search for more than is wanted.
    """
    arguments: dict[str, Any] = {"query": criteria["query"]}
    unsupported = []
    for place, value in _criteria_places(criteria):
        name = _FLAT_ARGUMENTS.get(place)
        if name is None:
            unsupported.append(place)
        else:
            arguments[name] = value
    if unsupported:
        raise CriteriaError([f"{place}: this MCP server's tool cannot search by it" for place in unsupported])
    return arguments


def _criteria_places(criteria: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each criterion but the query: the place in the criteria, such as `valuation.equityPercent.min`, and its value."""
    for part, fields in criteria.items():
        if part == "query":
            continue
        if not isinstance(fields, dict):
            yield part, fields
            continue
        for field, bounds in fields.items():
            for end, value in bounds.items():
                yield f"{part}.{field}.{end}", value
