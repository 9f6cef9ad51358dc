"""Requests of BatchData's property search and lookup. Fields that the sandbox does not use may have any value."""

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_PAGE_SIZE = 25


class _PropertyRequest(BaseModel):
    model_config = ConfigDict(extra="ignore", validate_by_name=True)


class ValueRange(_PropertyRequest):
    """A range of values, both ends included."""

    min: float = float("-inf")
    max: float = float("inf")


class PropertyCriteria(_PropertyRequest):
    """The place, and ranges for fields of `valuation`. Quick lists are ignored."""

    query: str = ""
    valuation: dict[str, ValueRange] = Field(default_factory=dict)


class PageOptions(_PropertyRequest):
    """The requested part of the results: *take* entries after the first *skip*."""

    skip: int = Field(0, ge=0)
    take: int = Field(DEFAULT_PAGE_SIZE, ge=0)

    def with_short_page(self) -> "PageOptions":
        """Return the page as a fault of short pages leaves it."""
        return PageOptions(skip=self.skip, take=min(self.take, DEFAULT_PAGE_SIZE))


@dataclass(frozen=True, slots=True)
class ResultShift:
    """Change of the results of every search: *removed* properties left at the beginning, *added* ones entered there."""

    removed: int = 0
    added: int = 0

    def after_faults(self, faults: Collection[str]) -> "ResultShift":
        """Return the shift after these faults hit."""
        return ResultShift(self.removed + ("tool_removed" in faults), self.added + ("tool_added" in faults))


UNSHIFTED = ResultShift()


@dataclass(frozen=True, slots=True)
class ToolFaults:
    """The faults that change one response of an MCP tool, and the shift of the results."""

    kinds: Collection[str] = ()
    shift: ResultShift = UNSHIFTED

    def change_page(self, requested: PageOptions) -> PageOptions:
        """Return the page that is shown in place of the requested one."""
        page = requested.with_short_page() if "tool_short_page" in self.kinds else requested
        return PageOptions(
            skip=0 if "tool_no_skip" in self.kinds else page.skip,
            take=0 if "tool_empty_page" in self.kinds else page.take,
        )


class PropertySearchRequest(_PropertyRequest):
    """Body of `POST /property/search`."""

    criteria: PropertyCriteria = Field(alias="searchCriteria")
    options: PageOptions = Field(default_factory=PageOptions)


class PropertyPlace(_PropertyRequest):
    """An address, or the part of an address that comes with a parcel number."""

    street: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    county: str = ""


class PropertyLookup(_PropertyRequest):
    """A property, named by its address, or by county and parcel number."""

    address: PropertyPlace
    apn: str | None = None


class PropertyLookupRequest(_PropertyRequest):
    """Body of `POST /property/lookup/all-attributes`."""

    requests: list[PropertyLookup] = Field(min_length=1)
