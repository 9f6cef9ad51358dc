"""Shapes of SMTP (docs/vendors/smtp.md): replies of a server, and headers of the mail that the product sends.

Source: RFC 5321 (4.2, replies), RFC 3463 (enhanced status codes), RFC 5322 (3.6, headers), RFC 2369 and RFC 8058 (unsubscribing).
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from contracts import Closed, Open

Address = Annotated[str, StringConstraints(pattern=r"^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$")]


class Reply(Closed):
    """Last line of a reply. An enhanced code has the class of the reply."""

    code: int = Field(ge=200, lt=560)
    text: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]+$", max_length=506)]

    @model_validator(mode="after")
    def has_one_class(self) -> "Reply":
        first = self.text.split(" ")[0]
        if first.count(".") == 2 and first.replace(".", "").isdigit():
            assert first[0] == str(self.code)[0], "the enhanced code has the class of the reply"
        return self


class ServiceMailHeaders(Open):
    """Headers of a mail that can be unsubscribed from by one click."""

    sender: Address = Field(alias="From")
    recipient: Address = Field(alias="To")
    subject: Annotated[str, StringConstraints(pattern=r"^[^\r\n]+$")] = Field(alias="Subject")
    date: Annotated[str, StringConstraints(pattern=r"^\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$")] = Field(
        alias="Date"
    )
    message_id: Annotated[str, StringConstraints(pattern=r"^<[^\s<>@]+@[^\s<>@]+>$")] = Field(alias="Message-ID")
    mime_version: Literal["1.0"] = Field(alias="MIME-Version")
    list_unsubscribe: Annotated[str, StringConstraints(pattern=r"^<https?://[^\s<>]+>")] = Field(
        alias="List-Unsubscribe"
    )
    list_unsubscribe_post: Literal["List-Unsubscribe=One-Click"] = Field(alias="List-Unsubscribe-Post")
