"""OpenRouter: key, routing, scripted and rule-based answers (docs/vendors/openrouter.md)."""

import hashlib
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from sandbox.call_statistics import CallStatistics
from sandbox.settings import SandboxSettings
from sandbox.vendor_server import (
    VendorCall,
    VendorOperation,
    VendorRefusalError,
    VendorResponse,
    VendorServer,
    parse_request,
)
from sandbox.vendors.openrouter.classifier import fill_schema
from sandbox.vendors.openrouter.completions import COMPLETION_FAULTS, create_completion
from sandbox.vendors.openrouter.requests import ChatRequest

MAX_REQUESTS = 1_000
"""Number of requests that are kept for tests."""
_NO_ZDR = "No endpoints found matching your data policy (Zero data retention). Configure: https://openrouter.ai/settings/privacy"
_NO_PROVIDER = "No endpoints found that can handle the requested parameters."
_DEFAULT_WAIT_SECONDS = 5
_REFUSING_FAULTS = (
    "no_credits",
    "key_limit",
    "in_flight_budget",
    "moderated",
    "no_provider",
    "no_zdr_provider",
    "primary_down",
)


class OpenRouterServer(VendorServer):
    """Stand-in for chat completions without streaming."""

    name = "openrouter"
    fault_descriptions: ClassVar[Mapping[str, str]] = {
        "no_credits": "402 without Retry-After, `limit_source` openrouter_credits.",
        "key_limit": "402 without Retry-After, `limit_source` openrouter_key_limit.",
        "in_flight_budget": "402 with Retry-After (5, or `retry_after`), `limit_source` openrouter_in_flight_budget.",
        "moderated": "403: the input was flagged.",
        "no_provider": "404, or `status` (503): no provider for this routing.",
        "no_zdr_provider": "The same, only for requests with `provider.zdr`.",
        "primary_down": "The first model is down: the next one of `models` answers, or 502 if there is none.",
        "error_in_body": "200 with a top-level `error` and no choices.",
        "error_in_choice": "200 with an `error` in the choice, and finish_reason `error`.",
        "finish_error": "200 with finish_reason `error` only.",
        "bad_json": "The content is prose with broken JSON.",
        "fenced_json": "The content is correct JSON within a Markdown fence.",
        "wrong_schema": "The content has values of wrong types and a property too many.",
        "unknown_value": "The content has texts that no enum has.",
        "length": "finish_reason `length`: the content ends in the middle.",
        "content_filter": "finish_reason `content_filter`, without content.",
        "refusal": "`refusal` is set, and the content is null.",
        "no_choices": "200 with an empty list of choices.",
    }

    def __init__(self, settings: SandboxSettings, statistics: CallStatistics) -> None:
        self._key = settings.sandbox_openrouter_key.get_secret_value()
        self._has_zdr = settings.sandbox_openrouter_zdr
        self._statistics = statistics
        self._answered = 0
        self.scripts: dict[str, str] = {}
        """By text that a user's message contains: the content of the answer."""
        self.requests: deque[dict[str, Any]] = deque(maxlen=MAX_REQUESTS)
        self.operations = (
            VendorOperation(
                "complete_chat", "POST", "/api/v1/chat/completions", self._complete, tuple(self.fault_descriptions)
            ),
        )

    def check_access(self, call: VendorCall) -> None:
        """Raise VendorRefusalError without the key."""
        if call.request.headers.get("Authorization") != f"Bearer {self._key}":
            raise VendorRefusalError(self.error_response(401, "No auth credentials found"))

    def error_response(self, status: int, message: str) -> VendorResponse:
        """Return `{"error": {"code", "message"}}`."""
        return VendorResponse({"error": {"code": status, "message": message}}, status)

    def clear_state(self) -> None:
        """Delete the scripted answers and the kept requests."""
        self.scripts.clear()
        self.requests.clear()
        self._answered = 0

    async def _complete(self, call: VendorCall) -> VendorResponse:
        request = parse_request(self, ChatRequest, call.body)
        self.requests.append(orjson.loads(call.body))
        model = self._route(call, request)
        text = request.last_user_text()
        prompt = "\n".join(message.text() for message in request.messages)
        self._answered += 1
        completion = create_completion(self._answered, int(time.time()), model, prompt, self._answer(request, text))
        self._statistics.record_charges(self.name, "completion", [hashlib.sha256(text.encode()).hexdigest()[:16]])
        for fault in call.faults:
            if fault.kind in COMPLETION_FAULTS:
                completion = COMPLETION_FAULTS[fault.kind](completion)
        return VendorResponse(completion)

    def _answer(self, request: ChatRequest, text: str) -> str:
        """Return the scripted content for the text, or else one by the rules that fits the schema."""
        scripted = next((content for part, content in self.scripts.items() if part in text), None)
        if scripted is not None:
            return scripted
        form = request.response_format
        if form is None or form.type == "text":
            return "This is an answer of the sandbox."
        schema = form.json_schema.schema_ if form.json_schema else {"type": "object"}
        return orjson.dumps(fill_schema(schema, text)).decode()

    def _route(self, call: VendorCall, request: ChatRequest) -> str:
        """Return the model that answers. Raise VendorRefusalError if no provider may or can."""
        wants_zdr = bool(request.provider and request.provider.zdr)
        if wants_zdr and not self._has_zdr:
            raise VendorRefusalError(self.error_response(404, _NO_ZDR))
        models = request.list_models()
        for fault in call.faults:
            if fault.kind not in _REFUSING_FAULTS or (fault.kind == "no_zdr_provider" and not wants_zdr):
                continue
            if fault.kind == "primary_down" and len(models) > 1:
                return models[1]
            raise VendorRefusalError(self._refuse(fault.kind, fault.status, fault.retry_after))
        return models[0]

    def _refuse(self, kind: str, status: int | None, retry_after: int | str | None) -> VendorResponse:
        """Return the refusal of a fault."""
        if kind == "in_flight_budget":
            wait = str(_DEFAULT_WAIT_SECONDS if retry_after is None else retry_after)
            message = "Your requests in flight fill your spending budget. Wait and retry."
            return self._refuse_with(402, message, {"limit_source": "openrouter_in_flight_budget"}, wait)
        if kind in {"no_credits", "key_limit"}:
            source = "openrouter_credits" if kind == "no_credits" else "openrouter_key_limit"
            return self._refuse_with(402, "Insufficient credits.", {"limit_source": source})
        if kind == "moderated":
            metadata = {"reasons": ["pii"], "flagged_input": "…", "provider_name": "Sandbox", "model_slug": "sandbox"}
            return self._refuse_with(403, "Input was flagged", metadata)
        if kind == "primary_down":
            return self._refuse_with(502, "Provider returned error", {"provider_name": "Sandbox"})
        return self.error_response(status or 404, _NO_ZDR if kind == "no_zdr_provider" else _NO_PROVIDER)

    def _refuse_with(
        self, status: int, message: str, metadata: dict[str, Any], retry_after: str | None = None
    ) -> VendorResponse:
        body = {"error": {"code": status, "message": message, "metadata": metadata}}
        return VendorResponse(body, status, {} if retry_after is None else {"Retry-After": retry_after})
