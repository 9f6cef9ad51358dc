"""What BatchData's search and lookup take in (contracts §5.5). What the sandbox does not look at may be anything."""

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
