"""Requests and responses of the control API."""

from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from sandbox.vendor_server import describe_first_error

M = TypeVar("M", bound=BaseModel)


async def parse_body(model: type[M], request: web.Request) -> M:
    """Return the body as *model*. Raise HTTPUnprocessableEntity or HTTPBadRequest with the reason if it does not fit."""
    try:
        return model.model_validate(orjson.loads(await request.read()))
    except orjson.JSONDecodeError as error:
        raise unprocessable_error("The body is not JSON.") from error
    except ValidationError as error:
        raise unprocessable_error(describe_first_error(error)) from error
    except web.RequestPayloadError as error:
        raise web.HTTPBadRequest(text="The body is not encoded as Content-Encoding says.") from error


def unprocessable_error(text: str) -> web.HTTPUnprocessableEntity:
    """Return the error to raise for a request that cannot have an effect."""
    return web.HTTPUnprocessableEntity(text=text)


def json_response(body: Any, status: int = 200) -> web.Response:
    """Return a response with *body* as JSON."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
