"""Routes of the consent form. A GET shows it and grants nothing; only a POST with the token of the page signs."""

from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web

from common.bus.failures import error_code
from common.compliance.links import build_link_token
from common.ids import LeadId
from common.web.client_address import client_address, client_network
from common.web.problems import ProblemError
from common.web.rate_limits import RequestRateLimit
from consent.form_fields import read_fields
from consent.form_page import FormState, render_form
from consent.forms import ConsentForms, FormResult, OpenForm, RefusedForm, SignedPage
from consent.pages import build_response, choose_language, render_template
from consent.requests import read_link, receive_form
from consent.settings import ConsentSettings
from consent.signed_form import Client
from consent.texts import Language

log = structlog.get_logger()

MAX_USER_AGENT_CHARACTERS = 1_000
_REFUSED_STATUS = {"malformed": 400, "forged": 400, "expired": 410, "used": 409, "unknown": 410, "erased": 410}

Answer = Callable[[web.Request], Awaitable[web.Response]]


class FormRoutes:
    """Handlers of the form. Only they are limited: opt-outs and withdrawals never are."""

    def __init__(self, forms: ConsentForms, settings: ConsentSettings) -> None:
        self._forms = forms
        self._secrets = settings.link_secrets()
        self._read_seconds = settings.consent_read_seconds
        self._trusted_hops = settings.consent_trusted_hops
        self._limit = RequestRateLimit(settings.consent_forms_per_minute, "Too many forms came from this address.")

    async def show_form(self, request: web.Request) -> web.Response:
        """Show the form of the link's lead with a new token."""
        return await self._answer(request, self._show_form)

    async def sign_form(self, request: web.Request) -> web.Response:
        """Record a signature, and show what became of it."""
        return await self._answer(request, self._sign_form)

    async def _answer(self, request: web.Request, answer: Answer) -> web.Response:
        """Return the page of *answer*; a page that says to wait beyond the limit, or that nothing was recorded after an error."""
        language = choose_language(request)
        network = client_network(request, self._trusted_hops)
        try:
            await self._limit.require_permitted(network)
        except ProblemError as refusal:
            return _render_message("form_busy", language, status=429, headers=refusal.headers)
        try:
            return await answer(request)
        except Exception as error:  # noqa: BLE001 - a person must learn that nothing was recorded
            log.warning("consent_form_failed", method=request.method, error=error_code(error))
            return _render_message("form_not_recorded", language, status=503, headers={"Retry-After": "60"})

    async def _show_form(self, request: web.Request) -> web.Response:
        language = choose_language(request)
        lead_id = read_link(request, self._secrets)
        if lead_id is None and await self._forms.has_text():
            return _render_message("form_bad_link", language, status=400)
        if lead_id is None:
            return _render_message("form_unavailable", language, status=503)
        form = await self._forms.open(lead_id, language, issue=request.method == "GET")
        return _render_message("form_bad_link", language, status=404) if form is None else self._render(form, language)

    async def _sign_form(self, request: web.Request) -> web.Response:
        fields = read_fields(await receive_form(request, self._read_seconds))
        user_agent = request.headers.get("User-Agent", "").encode("utf-8", "replace").decode()
        client = Client(client_address(request, self._trusted_hops), user_agent[:MAX_USER_AGENT_CHARACTERS])
        result = await self._forms.sign(fields, client)
        return self._render(result, choose_language(request), link=read_link(request, self._secrets))

    def _render(self, result: FormResult, language: Language, link: LeadId | None = None) -> web.Response:
        """Return the page of *result* in the language of its token, else in *language*. *link* is the lead of the request's link."""
        language = result.language or language
        if isinstance(result, OpenForm):
            return self._render_form(result)
        if isinstance(result, SignedPage):
            values = {"seller": result.seller, "link": self._build_link(result.lead_id)}
            return build_response(render_template("thanks", language, **values))
        if isinstance(result, RefusedForm):
            lead_id = None if result.reason == "erased" else result.lead_id or link
            return _render_message(
                f"form_refused_{result.reason}",
                language,
                title="form_refused_title",
                status=_REFUSED_STATUS[result.reason],
                fresh_link=self._build_link(lead_id) if lead_id else None,
            )
        return _render_message("form_unavailable", language, status=503)

    def _render_form(self, form: OpenForm) -> web.Response:
        state = FormState(
            token=form.token,
            link=self._build_link(form.lead_id),
            fields=form.fields,
            errors=form.errors or {},
            note="form_changed" if form.is_changed else None,
        )
        status = 409 if form.is_changed else 422 if form.errors else 200
        return build_response(render_form(form.offer, form.language, state), status=status)

    def _build_link(self, lead_id: LeadId) -> str:
        return build_link_token(self._secrets[0], lead_id)


def _render_message(
    message: str,
    language: Language,
    *,
    status: int,
    title: str | None = None,
    fresh_link: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    html = render_template(
        "notice", language, title=title or f"{message}_title", message=message, fresh_link=fresh_link
    )
    return build_response(html, status=status, headers=headers)
