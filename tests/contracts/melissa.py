"""Shapes of Melissa Personator Consumer v3 (docs/vendors/melissa.md).

Source: MelissaCloudAPI-OpenAPI-Specifications, openapi/apis/personator-consumer.yaml. Certainty H, as
docs/vendors/README.md defines it.
"""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from contracts import Closed, Open

Text = Annotated[str, StringConstraints(min_length=1)]
"""Text value. A blank is a single space, never an empty text."""
Codes = Annotated[str, StringConstraints(pattern=r"^( |[A-Z]{2}\d\d(,[A-Z]{2}\d\d)*)$")]


class RequestRecord(Closed):
    """Record of a request."""

    RecordID: str
    FullName: str | None = None
    FirstName: str | None = None
    LastName: str | None = None
    CompanyName: str | None = None
    AddressLine1: str | None = None
    AddressLine2: str | None = None
    City: str | None = None
    State: str | None = None
    PostalCode: str | None = None
    Country: str | None = None
    LastLine: str | None = None
    EmailAddress: str | None = None
    PhoneNumber: str | None = None
    FreeForm: str | None = None
    MelissaAddressKey: str | None = None


class Request(Closed):
    """Request of `POST /v3/WEB/ContactVerify/doContactVerify`."""

    TransmissionReference: str
    CustomerID: Text
    Actions: Annotated[str, StringConstraints(pattern=r"^(Check|Verify|Move|Append)(,(Check|Verify|Move|Append))*$")]
    Columns: str = ""
    Options: str = ""
    Records: list[RequestRecord] = Field(min_length=1, max_length=100)


class Record(Open):
    """Record of a response."""

    RecordID: Text
    Results: Codes
    AddressLine1: Text
    AddressLine2: Text
    City: Text
    State: Text
    PostalCode: Text
    AddressKey: Text
    AddressExtras: Text
    CompanyName: Text
    EmailAddress: Text
    PhoneNumber: Text
    NameFull: Text
    MelissaAddressKey: Annotated[str, StringConstraints(pattern=r"^( |\d{10})$")]
    MelissaAddressKeyBase: Text
    RecordExtras: Text
    Reserved: Text


class Answer(Closed):
    """Response with status 200, even if the transmission failed (`TransmissionResults`)."""

    Version: Text
    TransmissionReference: Text
    TransmissionResults: Codes
    TotalRecords: Annotated[str, StringConstraints(pattern=r"^\d+$")]
    Records: list[Record]


class Problem(Open):
    """Response with status 400."""

    type: str
    title: str
    status: int
    errors: dict[str, Any]
    traceId: str
