"""Control API of the SMTP server: its address, and the mail that it accepted."""

from aiohttp import web

from sandbox.control_http import json_response
from sandbox.state import SandboxState


class SmtpControl:
    """The handlers below `/_sandbox/smtp`."""

    def __init__(self, state: SandboxState) -> None:
        self._smtp = state.smtp

    def list_routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_sandbox/smtp", self._show_server),
            web.get("/_sandbox/smtp/messages", self._list_messages),
            web.get("/_sandbox/smtp/messages/{number:[0-9]{1,9}}", self._show_message),
            web.get("/_sandbox/smtp/recipients", self._count_recipients),
        ]

    async def _show_server(self, _request: web.Request) -> web.Response:
        return json_response({"port": self._smtp.port, "certificate": self._smtp.certificate})

    async def _list_messages(self, request: web.Request) -> web.Response:
        return json_response(
            [mail.summarize() for mail in self._smtp.mailbox.list_mails(request.query.get("recipient"))]
        )

    async def _show_message(self, request: web.Request) -> web.Response:
        mail = self._smtp.mailbox.find_mail(int(request.match_info["number"]))
        if mail is None:
            raise web.HTTPNotFound(text="There is no message with this number.")
        return web.Response(body=mail.content, content_type="message/rfc822")

    async def _count_recipients(self, _request: web.Request) -> web.Response:
        return json_response(self._smtp.mailbox.count_by_recipient())
