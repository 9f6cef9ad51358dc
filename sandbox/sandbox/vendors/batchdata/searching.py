"""What BatchData's search and lookup take in (contracts §5.5). What the sandbox does not look at may be anything."""

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

SHORT_PAGE = 25


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore", validate_by_name=True)


class Bound(_Request):
    """From and to, both included."""

    min: float = float("-inf")
    max: float = float("inf")


class Criteria(_Request):
    """The place, and bounds for fields of `valuation`; quick lists are taken for granted."""

    query: str = ""
    valuation: dict[str, Bound] = Field(default_factory=dict)


class Page(_Request):
    """The part of the results that is asked for."""

    skip: int = Field(0, ge=0)
    take: int = Field(SHORT_PAGE, ge=0)

    def shortened(self) -> "Page":
        """As the faults of short pages leave it."""
        return Page(skip=self.skip, take=min(self.take, SHORT_PAGE))


@dataclass(frozen=True, slots=True)
class Shift:
    """How the results of every search differ from what they were: so many left them and entered them at their beginning."""

    removed: int = 0
    added: int = 0

    def moved(self, faults: Collection[str]) -> "Shift":
        """As it is once these faults have hit."""
        return Shift(self.removed + ("tool_removed" in faults), self.added + ("tool_added" in faults))


UNMOVED = Shift()


@dataclass(frozen=True, slots=True)
class Results:
    """How one answer of a tool is spoiled."""

    faults: Collection[str] = ()
    shift: Shift = UNMOVED

    def page(self, asked: Page) -> Page:
        """The page that is shown in place of the one that was asked for."""
        shown = asked.shortened() if "tool_short_page" in self.faults else asked
        return Page(
            skip=0 if "tool_no_skip" in self.faults else shown.skip,
            take=0 if "tool_empty_page" in self.faults else shown.take,
        )


class Search(_Request):
    """`POST /property/search`."""

    criteria: Criteria = Field(alias="searchCriteria")
    options: Page = Field(default_factory=Page)


class Place(_Request):
    """An address, or what there is of one beside a parcel's number."""

    street: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    county: str = ""


class Lookup(_Request):
    """A property: by its address, or by county and parcel number."""

    address: Place
    apn: str | None = None


class Lookups(_Request):
    """`POST /property/lookup/all-attributes`."""

    requests: list[Lookup] = Field(min_length=1)
