"""HTTP server on aiohttp. Bytes that are not HTTP get a problem response, as every other refusal does."""

import asyncio
from typing import Any

import structlog
from aiohttp import web

from common.web.problems import BAD_REQUEST, INTERNAL, ProblemError

log = structlog.get_logger()

CONNECTION_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "auto_decompress": False,  # compressed bodies are refused, not unpacked
    "keepalive_timeout": 30,  # also the time for the whole head of the first request
    "lingering_time": 5,
    "max_line_size": 8_190,
    "max_field_size": 8_190,
}


class HttpConnection(web.RequestHandler):
    """Connection that answers unreadable requests without the parser's message."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the sender's bytes
    ) -> web.StreamResponse:
        """Return the response to an unreadable request. The connection closes after it."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response has already begun")
        log.info("unreadable_request_refused", error=type(exc).__name__)
        problem = ProblemError(BAD_REQUEST if status < 500 else INTERNAL)  # noqa: PLR2004 - 4xx: the sender's fault
        response = problem.to_response()
        response.headers["Server"] = "equity"
        response.force_close()
        return response


class WebServer:
    """Server of one application on one address."""

    is_service_only = True

    def __init__(self, app: web.Application, host: str, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=20)
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on the address. Raises OSError if it is in use."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        manager = self._runner.server
        assert manager is not None  # noqa: S101 - `setup` creates it
        self._server = await loop.create_server(
            lambda: HttpConnection(manager, loop=loop, **CONNECTION_OPTIONS), self._host, self._port, backlog=512
        )
        log.info("web_server_started", host=self._host, port=self.port)

    @property
    def port(self) -> int:
        """The port in use, also if port 0 (any free one) was configured."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else self._port

    async def stop(self) -> None:
        """Stop listening, and finish the requests in progress."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()
