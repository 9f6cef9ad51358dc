"""Shapes of the vendors' requests and responses, for the responses of the sandbox and the requests of the adapters.

The shapes come from the public documentation of the vendors, never from our code. So sandbox and adapter cannot share an
error. If the documentation lists all properties, any other property is an error; elsewhere more properties are allowed.
`examples.py` contains the examples of the documentation. `docs/vendors/` has one page per vendor.
"""

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict

S = TypeVar("S", bound=BaseModel)


class Open(BaseModel):
    """Shape that allows further properties."""

    model_config = ConfigDict(strict=True, extra="allow")


class Closed(BaseModel):
    """Shape that forbids further properties."""

    model_config = ConfigDict(strict=True, extra="forbid")


def conform(shape: type[S], document: Any) -> S:
    """Validate *document*, as JSON has it, and return it in its shape. Raises pydantic.ValidationError."""
    return shape.model_validate_json(orjson.dumps(document))
