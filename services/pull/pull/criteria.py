"""What a saved search asks for, in the words of BatchData's property search (vendor contracts §5.5).

A search that BatchData would understand otherwise than it is meant costs money, so whatever stands in no document is refused
here, and not sent.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

QuickList = Annotated[str, StringConstraints(pattern=r"^(not-)?[a-z]+(-[a-z]+)*$")]


class CriteriaError(ValueError):
    """Criteria that cannot be used; each of *faults* names a place and what is wrong there."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)


class Bounds(_Part):
    """From and to, both included; one of them is enough. A day is written `2024-05-31`."""

    min: float | Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    max: float | Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None

    @model_validator(mode="after")
    def _is_a_span(self) -> "Bounds":
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


class Criteria(_Part):
    """`searchCriteria` of a search: the place, quick lists that all or one of must hold, and bounds by part and field."""

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
    quickLists: list[QuickList] = Field(default_factory=list, max_length=50)  # noqa: N815 - BatchData's name
    orQuickLists: list[QuickList] = Field(default_factory=list, max_length=50)  # noqa: N815 - BatchData's name
    valuation: dict[str, Bounds] = Field(default_factory=dict)
    demographics: dict[str, Bounds] = Field(default_factory=dict)
    building: dict[str, Bounds] = Field(default_factory=dict)
    openLien: dict[str, Bounds] = Field(default_factory=dict)  # noqa: N815 - BatchData's name
    sale: dict[str, Bounds] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _does_not_contradict_itself(self) -> "Criteria":
        both = [name for name in self.quickLists if f"not-{name}" in self.quickLists]
        if both:
            raise ValueError(f"quickLists wants {both[0]} and not-{both[0]}")
        return self


def read_criteria(text: str | bytes) -> dict[str, Any]:
    """The criteria that a JSON document holds, as they are stored. Raises CriteriaError."""
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CriteriaError([f"not JSON: {error.msg} at line {error.lineno}"]) from error
    if isinstance(found, dict) and isinstance(found.get("searchCriteria"), dict):
        found = found["searchCriteria"]
    try:
        criteria = Criteria.model_validate(found)
    except ValidationError as error:
        raise CriteriaError([_told(fault) for fault in error.errors(include_url=False, include_input=False)]) from error
    return criteria.model_dump(exclude_defaults=True)


def _told(fault: Any) -> str:
    place = ".".join(str(step) for step in fault["loc"] if step not in ("float", "constrained-str"))
    if fault["type"] == "extra_forbidden":
        known = ", ".join((Bounds if "." in place else Criteria).model_fields)
        return f"{place}: unknown here; known are {known}"
    if fault["type"] == "missing":
        return f'{place}: is needed, such as "Pinellas County, FL"'
    said = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "string_pattern_mismatch" and "ickLists" in place:
        said = "a quick list is written such as owner-occupied or not-vacant"
    return f"{place}: {said}" if place else said


_FLAT = {
    ("valuation", "estimatedValue", "min"): "minEstimatedValue",
    ("valuation", "estimatedValue", "max"): "maxEstimatedValue",
    ("valuation", "equityPercent", "min"): "minEquityPercent",
}


def flat(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """*criteria* as the community server's arguments. Raises CriteriaError for what it has none for: never left out."""
    arguments: dict[str, Any] = {"query": criteria["query"]}
    missing = []
    for part, held in criteria.items():
        if part == "query":
            continue
        if not isinstance(held, dict):
            missing.append(part)
            continue
        for field, bounds in held.items():
            for end, value in bounds.items():
                name = _FLAT.get((part, field, end))
                if name is None:
                    missing.append(f"{part}.{field}.{end}")
                else:
                    arguments[name] = value
    if missing:
        raise CriteriaError([f"{place}: this MCP server's tool cannot search by it" for place in missing])
    return arguments
