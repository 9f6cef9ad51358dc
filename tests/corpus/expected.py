"""Model of the result that is expected of one file: what a reader of the file learns, and what it cannot use."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ForbiddenBecause = Literal["registry", "wrong_number", "litigator", "opted_out", "do_not_contact"]
SkippedLine = Literal["repeated_header", "footer"]
LeadFlag = Literal["do_not_mail", "litigator", "deceased_owner", "do_not_contact", "opted_out"]


class _ExpectedPart(BaseModel):
    """Part of the expected result. Unknown fields are errors, so that a misspelled one is found."""

    model_config = ConfigDict(extra="forbid")


class ExpectedDialect(_ExpectedPart):
    """Encoding and delimiter of the file, and the line of its header. The first line is 1."""

    encoding: str
    delimiter: str
    header_line: int


class ExpectedRefusal(_ExpectedPart):
    """Refusal of the whole file."""

    code: Literal["empty_file", "not_csv", "missing_columns", "bad_columns"]
    missing: list[str] = []
    """Fields that no column of the file states."""
    nearest: dict[str, str] = {}
    """Column that a person probably meant, by missing field."""
    headers: list[str] = []
    """Headers that the refusal names: protective ones that are not understood, or repeated ones."""


class ExpectedAddress(_ExpectedPart):
    """Address of a home or of a mailbox. A unit has no designator: `4`, not `Apt 4`."""

    street: str | None = None
    unit: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None


class ExpectedOwner(_ExpectedPart):
    """Name of a person, in parts. README.md says how a stored name is compared with it."""

    first: str | None = None
    middle: str | None = None
    last: str | None = None
    suffix: str | None = None


class ExpectedPhone(_ExpectedPart):
    """Phone of a lead. *do_not_call* is None where the file does not say it."""

    number: str = Field(pattern=r"\+1[0-9]{10}")
    rank: int
    type: Literal["mobile", "landline", "voip"] | None = None
    do_not_call: bool | None = None
    because: list[ForbiddenBecause] = []


class ExpectedEmail(_ExpectedPart):
    """Email of a lead. An address that is not allowed is suppressed."""

    address: str
    rank: int
    allowed: bool = True


class ExpectedLead(_ExpectedPart):
    """Lead that one or more rows of the file make. A field is absent where the file does not state it."""

    rows: list[int]
    address: ExpectedAddress
    county: str | None = None
    fips: str | None = Field(default=None, pattern="[0-9]{5}")
    apn: str | None = None
    mak: str | None = Field(default=None, pattern="[0-9]{10}")
    owners: list[ExpectedOwner] = []
    entity: str | None = None
    mailing: ExpectedAddress | None = None
    values: dict[str, int | bool | str] = {}
    phones: list[ExpectedPhone] = []
    emails: list[ExpectedEmail] = []
    flags: list[LeadFlag] = []


class ExpectedRejection(_ExpectedPart):
    """Row that cannot become a lead."""

    row: int
    reasons: list[str]


class ExpectedUnreadable(_ExpectedPart):
    """Values of one column that cannot be read. The rest of their rows is used."""

    column: str
    count: int
    rows: list[int]


class ExpectedResult(_ExpectedPart):
    """Result that is expected of one file. Rows are numbered from 1 after the header; blank and skipped lines have no number."""

    file: str
    tool: str
    about: str
    headers_verified: Literal["yes", "partly", "no"]
    decisions: list[str] = []
    """Rules of README.md on which this result depends and that are proposals."""
    profile: str | None = None
    dialect: ExpectedDialect | None = None
    refusal: ExpectedRefusal | None = None
    rows_received: int = 0
    columns_unused: list[str] = []
    columns_for_remarks: list[str] = []
    """Columns of free text, of which only words that forbid contact are read."""
    leads: list[ExpectedLead] = []
    rejected: list[ExpectedRejection] = []
    unreadable: list[ExpectedUnreadable] = []
    skipped: list[SkippedLine] = []
    """Lines behind the header that are no records."""

    @model_validator(mode="after")
    def _check_that_each_row_has_one_outcome(self) -> Self:
        if self.refusal:
            has_rows = self.leads or self.rejected or self.unreadable or self.skipped or self.rows_received
            if has_rows or self.profile:
                raise ValueError("a refused file has neither a profile nor rows")
            return self
        received = [row for lead in self.leads for row in lead.rows] + [one.row for one in self.rejected]
        if sorted(received) != list(range(1, self.rows_received + 1)) or not self.profile:
            raise ValueError(f"rows without an outcome, or with several: {sorted(received)} of {self.rows_received}")
        return self
