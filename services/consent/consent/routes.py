"""Routes of the consent service. A GET shows a page and changes nothing; link scanners open every link."""

from collections.abc import Mapping

import structlog
from aiohttp import web

from common.bus.failures import error_code
from common.compliance.gate import Channel
from common.pii.contact_values import email_address, phone_number
from common.web.application import build_application
from common.web.problems import GENERAL_PROBLEM_KINDS
from consent.form_routes import FormRoutes
from consent.opt_outs import How, OptOutRecorder, PageOptOut
from consent.pages import PAGE_HEADERS, STYLE, render_page
from consent.requests import read_link, receive_form
from consent.settings import ConsentSettings

log = structlog.get_logger()

ONE_CLICK = ("List-Unsubscribe", "One-Click")
"""Field that a mail program sends for the person (RFC 8058, section 3.1)."""


class ConsentRoutes:
    """Handlers of the pages. Opt-outs are never limited, refused or expired."""

    def __init__(self, opt_outs: OptOutRecorder, forms: FormRoutes, settings: ConsentSettings) -> None:
        self._opt_outs = opt_outs
        self._forms = forms
        self._secrets = settings.link_secrets()
        self._read_seconds = settings.consent_read_seconds

    def build_application(self) -> web.Application:
        """Return the web application."""
        pages = {
            "/consent": self._forms.show_form,
            "/consent/style.css": self.send_style,
            "/consent/opt-out": self.show_email_page,
            "/consent/withdraw": self.show_phone_page,
        }
        forms = {
            "/consent": self._forms.sign_form,
            "/consent/opt-out": self.stop_emails,
            "/consent/withdraw": self.stop_calls,
        }
        routes = [
            *((method, path, handler) for path, handler in pages.items() for method in ("GET", "HEAD")),
            *(("POST", path, handler) for path, handler in forms.items()),
        ]
        return build_application(routes, GENERAL_PROBLEM_KINDS)

    async def send_style(self, _request: web.Request) -> web.Response:
        """Return the style sheet."""
        return web.Response(text=STYLE, content_type="text/css", headers=PAGE_HEADERS)

    async def show_email_page(self, request: web.Request) -> web.Response:
        """Show the button that stops emails."""
        return self._show_page(request, "email")

    async def show_phone_page(self, request: web.Request) -> web.Response:
        """Show the button that stops calls and withdraws consent."""
        return self._show_page(request, "phone")

    async def stop_emails(self, request: web.Request) -> web.Response:
        """Stop emails to the person of the link, or to the address that was typed."""
        return await self._stop(request, "email")

    async def stop_calls(self, request: web.Request) -> web.Response:
        """Stop calls to the person of the link, or to the number that was typed."""
        return await self._stop(request, "phone")

    def _show_page(self, request: web.Request, channel: Channel) -> web.Response:
        if read_link(request, self._secrets) is None:
            return render_page(request, "ask", contact="", unreadable=False)
        return render_page(request, "opt_out", channel=channel)

    async def _stop(self, request: web.Request, channel: Channel) -> web.Response:
        form = await receive_form(request, self._read_seconds)
        try:
            return await self._record(request, channel, form)
        except Exception as error:  # noqa: BLE001 - a person must learn that nothing was recorded
            log.warning("opt_out_not_recorded", channel=channel, error=error_code(error))
            return render_page(request, "message", status=503, title="try_again_title", message="try_again")

    async def _record(self, request: web.Request, channel: Channel, form: Mapping[str, object]) -> web.Response:
        lead_id = read_link(request, self._secrets)
        how: How = "one_click" if form.get(ONE_CLICK[0]) == ONE_CLICK[1] else "link"
        if lead_id and await self._opt_outs.opt_out_lead(PageOptOut(lead_id, channel, how)):
            return render_page(request, "message", title=f"{channel}_done_title", message=f"{channel}_done")
        typed = str(form.get("contact", "")).encode("utf-8", "replace").decode().strip()
        if email := email_address(typed):
            await self._opt_outs.opt_out_value("email", email)
        elif phone := phone_number(typed):
            await self._opt_outs.opt_out_value("phone", phone)
        else:
            return render_page(request, "ask", status=422, contact=typed[:254], unreadable=bool(typed))
        return render_page(request, "message", title="email_done_title", message="value_done")
