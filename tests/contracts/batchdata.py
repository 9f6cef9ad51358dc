"""Shapes of BatchData (docs/vendors/batchdata.md).

Sources: help.batchservice.com 9891686, help.batchdata.io 12859857, BatchData-API-Explorer. Certainty, as
docs/vendors/README.md defines it: H for v3, between M and H for v1.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from contracts import Closed, Open

Number = Annotated[str, StringConstraints(pattern=r"^\d{10}$")]


class Place(Closed):
    """Postal address."""

    street: str
    city: str
    state: str
    zip: str


class Name(Closed):
    """First and last name."""

    first: str
    last: str


class TraceRequest(Closed):
    """Property, by its address or its parcel."""

    requestId: str | None = None
    propertyAddress: Place | None = None
    mailingAddress: Place | None = None
    name: Name | None = None
    apn: str | None = None
    county: str | None = None
    state: str | None = None
    countyFipsCode: str | None = None

    @model_validator(mode="after")
    def names_a_property(self) -> "TraceRequest":
        by_parcel = self.apn and ((self.county and self.state) or self.countyFipsCode)
        assert self.propertyAddress or by_parcel, "propertyAddress, or apn with county and state or countyFipsCode"
        return self


class Trace(Closed):
    """Request of `POST /property/skip-trace`, v1 and v3."""

    requests: list[TraceRequest] = Field(min_length=1, max_length=100)
    options: dict[str, Any] = Field(default_factory=dict)


class Status(Open):
    """Status of a response."""

    code: int
    text: str


class Failure(Closed):
    """Response with status 400 and above."""

    class Detail(Closed):
        """Reason of the failure."""

        code: int
        text: str
        message: str

    status: Detail


class Counts(Open):
    """Counts in `meta.results` of a skip trace."""

    requestCount: int
    matchCount: int
    noMatchCount: int
    errorCount: int

    @model_validator(mode="after")
    def counts_every_request_once(self) -> "Counts":
        assert self.requestCount == self.matchCount + self.noMatchCount + self.errorCount
        return self


class PhoneV1(Open):
    """Phone with ten digits, v1."""

    number: Number
    type: Literal["Mobile", "Land Line"]
    carrier: str
    tested: bool
    reachable: bool
    dnc: bool
    score: int


class EmailV1(Open):
    """Email, v1. The key of the value is `email` or `address`."""

    email: str | None = None
    address: str | None = None
    tested: bool

    @model_validator(mode="after")
    def has_one_key(self) -> "EmailV1":
        assert (self.email is None) != (self.address is None)
        return self


class MatchV1(Open):
    """Match result of a request, v1."""

    matched: bool
    error: bool
    errorMessage: str | None


class Death(Open):
    """Death flag of a person."""

    deceased: bool


class Dnc(Open):
    """TCPA flag: one of the phones belongs to a known litigator."""

    tcpa: bool


class PersonV1(Open):
    """Entry of `results.persons`. Without a match its lists are empty; a failed entry has only the required properties."""

    request: dict[str, str] = Field(default_factory=dict)
    phoneNumbers: list[PhoneV1]
    emails: list[EmailV1]
    name: dict[str, str] | None = None
    propertyAddress: dict[str, str] | None = None
    mailingAddress: dict[str, str] | None = None
    bankruptcy: dict[str, Any] | None = None
    death: Death | None = None
    dnc: Dnc | None = None
    litigator: bool | None = None
    property: dict[str, Any] | None = None
    meta: MatchV1

    @model_validator(mode="after")
    def has_all_documented_properties(self) -> "PersonV1":
        documented = {
            "name",
            "propertyAddress",
            "mailingAddress",
            "bankruptcy",
            "death",
            "dnc",
            "litigator",
            "property",
        }
        assert self.meta.error or documented <= self.model_fields_set
        return self


class AnswerV1(Closed):
    """Response of `POST /api/v1/property/skip-trace`, status 200, and delivery of the asynchronous request."""

    class Results(Open):
        """Persons and their counts."""

        class Meta(Open):
            """Counts of the response."""

            results: Counts
            requestId: str

        persons: list[PersonV1]
        meta: Meta

    status: Status
    results: Results


class PhoneV3(Open):
    """Phone with its flags, v3."""

    rank: int
    number: Number
    type: Literal["Mobile", "Land Line"]
    carrier: str
    tested: bool
    reachable: bool
    dnc: bool
    tcpa: bool


class EmailV3(Open):
    """Email, v3."""

    rank: int
    email: str
    tested: bool


class PersonV3(Open):
    """Person, v3; an entry has at most three."""

    propertyOwner: bool
    name: dict[str, str]
    addresses: list[dict[str, Any]]
    phones: list[PhoneV3]
    emails: list[EmailV3]
    litigator: bool
    deceased: bool
    dob: str | None


class EntryV3(Open):
    """Entry of `result.data`."""

    class Meta(Open):
        """Match result of an entry."""

        matched: bool
        error: bool

    inputIndex: int
    input: dict[str, Any]
    property: dict[str, Any]
    persons: list[PersonV3] = Field(max_length=3)
    meta: Meta


class AnswerV3(Closed):
    """Response of `POST /api/v3/property/skip-trace`, status 200."""

    class Result(Open):
        """Entries, options and counts."""

        class Meta(Open):
            """Counts of the response."""

            apiVersion: str
            results: Counts
            requestId: str

        data: list[EntryV3]
        options: dict[str, Any]
        meta: Meta

    status: Status
    result: Result


class Accepted(Closed):
    """Immediate response of `POST /property/skip-trace/async`."""

    status: Status


class Search(Closed):
    """Request of `POST /property/search`."""

    class Options(Open):
        """Options of a search. `take` 0 only counts."""

        skip: int = Field(0, ge=0)
        take: int = Field(25, ge=0)

    searchCriteria: dict[str, Any]
    options: Options = Options(skip=0, take=25)


class Property(Open):
    """Property in the results of search and lookup."""

    class Address(Open):
        """Address of a property."""

        street: str
        city: str
        county: str
        state: str
        zip: str

    class Valuation(Open):
        """Valuation in dollars and percent."""

        estimatedValue: int | float
        equityPercent: int | float
        ltv: int | float

    id: str = Field(alias="_id")
    address: Address
    owner: dict[str, Any]
    building: dict[str, Any]
    valuation: Valuation
    openLien: dict[str, Any]
    sale: dict[str, Any]
    ids: dict[str, str]
    quickLists: dict[str, bool]


class Found(Closed):
    """Response of search and lookup, status 200."""

    class Results(Open):
        """Properties and their counts."""

        class Meta(Open):
            """Counts of the response."""

            class Results(Open):
                """Number of all results, and of those on this page."""

                resultsFound: int
                resultCount: int

            results: Results
            requestId: str

        properties: list[Property]
        meta: Meta

    status: Status
    results: Results


class Checked(Closed):
    """Response of `POST /phone/verification|dnc|tcpa`, status 200. Certainty M, as docs/vendors/README.md defines it."""

    class Results(Open):
        """One entry per number."""

        class Phone(Open):
            """Number with its result."""

            number: Number
            dnc: bool | None = None
            tcpa: bool | None = None
            reachable: bool | None = None
            type: Literal["Mobile", "Land Line"] | None = None
            carrier: str | None = None

            @model_validator(mode="after")
            def has_a_result(self) -> "Checked.Results.Phone":
                assert self.model_fields_set > {"number"}
                return self

        phoneNumbers: list[Phone]

    status: Status
    results: Results
