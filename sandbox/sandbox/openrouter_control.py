"""Control API of OpenRouter's stand-in: scripted answers, and the requests that it got."""

from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sandbox.control_http import json_response, parse_body
from sandbox.state import SandboxState


class ScriptedAnswer(BaseModel):
    """The answer to every message of a user that contains a text."""

    model_config = ConfigDict(extra="forbid")

    contains: str = Field(min_length=1)
    content: Any = Field(description="The content: text as it is, everything else as JSON.")


class OpenRouterControl:
    """The handlers below `/_sandbox/openrouter`."""

    def __init__(self, state: SandboxState) -> None:
        self._openrouter = state.openrouter

    def list_routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_sandbox/openrouter/requests", self._list_requests),
            web.post("/_sandbox/openrouter/answers", self._add_answer),
            web.delete("/_sandbox/openrouter/answers", self._clear_answers),
        ]

    async def _list_requests(self, _request: web.Request) -> web.Response:
        return json_response(list(self._openrouter.requests))

    async def _add_answer(self, request: web.Request) -> web.Response:
        answer = await parse_body(ScriptedAnswer, request)
        content = answer.content if isinstance(answer.content, str) else orjson.dumps(answer.content).decode()
        self._openrouter.scripts[answer.contains] = content
        return web.Response(status=204)

    async def _clear_answers(self, _request: web.Request) -> web.Response:
        self._openrouter.scripts.clear()
        return web.Response(status=204)
