"""The HTTP server: aiohttp's, with its own words for what is no HTTP."""

import asyncio
from typing import Any

import structlog
from aiohttp import web

from gateway.problems import ProblemError

log = structlog.get_logger()

OPTIONS: dict[str, Any] = {
    "access_log": None,
    "auto_decompress": False,  # compressed bodies are refused, not unpacked
    "keepalive_timeout": 30,  # also the time for a first whole request head
    "lingering_time": 5,
    "max_line_size": 8_190,
    "max_field_size": 8_190,
}


class Connection(web.RequestHandler):
    """A connection. What cannot be read as HTTP is answered like every other refusal, without the parser's words."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the sender's bytes
    ) -> web.StreamResponse:
        """The answer to a broken request, after which the connection is closed."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        log.info("request_unreadable", error=type(exc).__name__)
        problem = ProblemError("bad_request" if status < 500 else "internal")  # noqa: PLR2004 - whose fault
        response = problem.response()
        response.headers["Server"] = "equity"
        response.force_close()
        return response


class WebServer:
    """Serves an application on one address."""

    serves = True

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=20)
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen. Raises OSError when the address is taken."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        manager = self._runner.server
        assert manager is not None  # noqa: S101 - setup made it
        self._server = await loop.create_server(
            lambda: Connection(manager, loop=loop, **OPTIONS), self._host, self._port, backlog=512
        )
        log.info("gateway_listening", host=self._host, port=self.port)

    @property
    def port(self) -> int:
        """The port in use, also when a free one was asked for."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else self._port

    async def stop(self) -> None:
        """Stop listening, finish what is being answered."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()
