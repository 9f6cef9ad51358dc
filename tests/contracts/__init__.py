"""What the vendors' documentation says of requests and answers, each shape once: for the sandbox's answers and the adapters' requests.

The shapes are taken from the documents, never from our code, so that sandbox and adapter cannot agree on something wrong.
Where a document lists all properties, another one is an error; elsewhere more may come. `examples.py` has the documents' own
examples.
"""

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict

S = TypeVar("S", bound=BaseModel)


class Open(BaseModel):
    """More properties than these may come."""

    model_config = ConfigDict(strict=True, extra="allow")


class Closed(BaseModel):
    """No other properties than these."""

    model_config = ConfigDict(strict=True, extra="forbid")


def conform(shape: type[S], document: Any) -> S:
    """*document*, as JSON has it, in its shape. Raises pydantic.ValidationError."""
    return shape.model_validate_json(orjson.dumps(document))
