"""OpenRouter's stand-in: structured answers, routing, and its faults."""

from typing import Any

import orjson
import pytest

from contracts import conform, openrouter
from sandbox.settings import SandboxSettings
from support.vendors import SandboxClient, run_sandbox

INTENTS = [
    "interested",
    "question",
    "not_interested",
    "unsubscribe",
    "out_of_office",
    "wrong_person",
    "other",
]
PROPERTIES = {
    "intent": {"type": "string", "enum": INTENTS},
    "sentiment": {"type": "string", "enum": ["positive", "neutral", "negative"]},
    "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    "wants_call": {"type": "boolean"},
}
SCHEMA = {"type": "object", "properties": PROPERTIES, "required": list(PROPERTIES), "additionalProperties": False}


def create_request(text: str = "Yes, please call me after 2.", **fields: Any) -> dict[str, Any]:
    json_schema = {"name": "reply_route", "strict": True, "schema": SCHEMA}
    return {
        "model": "google/gemini-2.5-flash-lite",
        "messages": [{"role": "system", "content": "Classify the reply."}, {"role": "user", "content": text}],
        "response_format": {"type": "json_schema", "json_schema": json_schema},
        "provider": {"require_parameters": True, "data_collection": "deny", "zdr": True},
        **fields,
    }


async def classify(client: Any, text: str) -> dict[str, Any]:
    completion = conform(openrouter.Completion, (await client.complete_chat(create_request(text))).json)
    assert completion.choices[0].message.content is not None
    answer: dict[str, Any] = orjson.loads(completion.choices[0].message.content)
    return answer


def test_the_request_of_these_tests_fits_the_contract() -> None:
    conform(openrouter.ChatRequest, create_request())


@pytest.mark.parametrize(
    ("text", "intent", "sentiment"),
    [
        ("Yes, please call me after 2.", "interested", "positive"),
        ("What would this cost me?", "question", "neutral"),
        ("Not interested, thank you.", "not_interested", "negative"),
        ("Take me off your list", "unsubscribe", "negative"),
        ("I am away until Monday.", "out_of_office", "neutral"),
        ("You have the wrong person", "wrong_person", "neutral"),
        ("Lovely weather", "other", "neutral"),
    ],
)
async def test_an_answer_fits_the_schema_and_the_text(client: Any, text: str, intent: str, sentiment: str) -> None:
    answer = await classify(client, text)
    assert set(answer) == set(PROPERTIES)
    assert (answer["intent"], answer["sentiment"]) == (intent, sentiment)
    assert answer["wants_call"] == ("call" in text)
    assert (answer["confidence"] > 0.6) == (intent != "other")


async def test_an_answer_can_be_scripted_and_requests_are_kept(client: Any) -> None:
    script = {"contains": "weather", "content": {"intent": "question"}}
    await client.call_control_api("POST", "openrouter/answers", script)
    assert await classify(client, "Lovely weather") == {"intent": "question"}
    await client.call_control_api("DELETE", "openrouter/answers")
    assert (await classify(client, "Lovely weather"))["intent"] == "other"
    requests = await client.call_control_api("GET", "openrouter/requests")
    assert [request["messages"][1]["content"] for request in requests] == ["Lovely weather"] * 2


async def test_an_answer_has_its_price_and_is_paid_for(client: Any) -> None:
    completion = conform(openrouter.Completion, (await client.complete_chat(create_request())).json)
    assert 0 < completion.usage.cost < 0.001
    assert (await client.fetch_charges("openrouter"))["operations"] == {"completion": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": []},
        {"messages": [{"role": "robot", "content": "?"}]},
        {"model": "no-slash"},
        {"model": None},
        {"stream": True},
        {"provider": {"zdr": "yes"}},
        {"response_format": {"type": "json_schema"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": SCHEMA}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {}}}},
    ],
)
async def test_a_wrong_request_is_a_400(client: Any, wrong: dict[str, Any]) -> None:
    response = await client.complete_chat(create_request(**wrong))
    assert response.status == 400
    assert conform(openrouter.Failure, response.json).error.code == 400


async def test_a_wrong_key_is_a_401(client: Any) -> None:
    headers = {"Authorization": "Bearer wrong"}
    path = "/openrouter/api/v1/chat/completions"
    response = await client.send_request("POST", path, create_request(), headers)
    assert (response.status, conform(openrouter.Failure, response.json).error.code) == (401, 401)


@pytest.mark.parametrize(
    ("fault", "status", "retry_after", "limit_source"),
    [
        ({"kind": "no_credits"}, 402, None, "openrouter_credits"),
        ({"kind": "key_limit"}, 402, None, "openrouter_key_limit"),
        ({"kind": "in_flight_budget"}, 402, "5", "openrouter_in_flight_budget"),
        ({"kind": "in_flight_budget", "retry_after": 1}, 402, "1", "openrouter_in_flight_budget"),
        ({"kind": "moderated"}, 403, None, None),
        ({"kind": "no_provider"}, 404, None, None),
        ({"kind": "no_provider", "status": 503}, 503, None, None),
        ({"kind": "no_zdr_provider"}, 404, None, None),
        ({"kind": "primary_down"}, 502, None, None),
        ({"kind": "server_error", "status": 408}, 408, None, None),
        ({"kind": "server_error", "status": 502}, 502, None, None),
        ({"kind": "server_error", "status": 529}, 529, None, None),
        ({"kind": "rate_limited", "retry_after": 2}, 429, "2", None),
    ],
)
async def test_a_fault_refuses_without_cost(
    client: Any, fault: dict[str, Any], status: int, retry_after: str | None, limit_source: str | None
) -> None:
    await client.add_fault("openrouter", **fault)
    response = await client.complete_chat(create_request())
    failure = conform(openrouter.Failure, response.json)
    assert (response.status, failure.error.code, response.headers.get("Retry-After")) == (status, status, retry_after)
    assert (failure.error.metadata or {}).get("limit_source") == limit_source
    assert (await client.fetch_charges("openrouter"))["records"] == 0


async def test_zdr_without_such_a_provider_is_a_404_that_names_it(session: Any) -> None:
    async with run_sandbox(SandboxSettings(sandbox_port=0, sandbox_openrouter_zdr=False)) as sandbox:
        client = SandboxClient(sandbox.url, session)
        refused = await client.complete_chat(create_request())
        assert refused.status == 404
        assert "Zero data retention" in conform(openrouter.Failure, refused.json).error.message
        assert (await client.complete_chat(create_request(provider={"zdr": False}))).status == 200


async def test_a_fault_of_zdr_hits_only_requests_with_zdr(client: Any) -> None:
    await client.add_fault("openrouter", "no_zdr_provider")
    assert (await client.complete_chat(create_request(provider=None))).status == 200


async def test_the_next_model_answers_when_the_first_is_down(client: Any) -> None:
    await client.add_fault("openrouter", "primary_down")
    response = await client.complete_chat(create_request(models=["openai/gpt-4o-mini"]))
    assert conform(openrouter.Completion, response.json).model == "openai/gpt-4o-mini"


async def complete_with_fault(client: Any, kind: str) -> Any:
    await client.add_fault("openrouter", kind)
    response = await client.complete_chat(create_request())
    assert response.status == 200
    assert (await client.fetch_charges("openrouter"))["records"] == 1
    return response.json


async def test_an_error_may_come_with_status_200(client: Any) -> None:
    body = await complete_with_fault(client, "error_in_body")
    assert conform(openrouter.Failure, body).error.code == 502
    assert "choices" not in body


@pytest.mark.parametrize(
    ("kind", "finish_reason", "has_content"),
    [
        ("error_in_choice", "error", True),
        ("finish_error", "error", False),
        ("length", "length", True),
        ("content_filter", "content_filter", False),
        ("refusal", "stop", False),
    ],
)
async def test_an_answer_may_be_unfinished(client: Any, kind: str, finish_reason: str, has_content: bool) -> None:
    body = await complete_with_fault(client, kind)
    [choice] = conform(openrouter.Completion, body).choices
    assert (choice.finish_reason, bool(choice.message.content)) == (finish_reason, has_content)
    assert ("error" in body["choices"][0]) == (kind == "error_in_choice")
    assert (choice.message.refusal is not None) == (kind == "refusal")
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(choice.message.content or "")


@pytest.mark.parametrize("kind", ["bad_json", "fenced_json"])
async def test_the_content_may_not_be_json(client: Any, kind: str) -> None:
    [choice] = conform(openrouter.Completion, await complete_with_fault(client, kind)).choices
    assert choice.finish_reason == "stop"
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(choice.message.content or "")


async def test_the_content_may_break_the_schema(client: Any) -> None:
    [choice] = conform(openrouter.Completion, await complete_with_fault(client, "wrong_schema")).choices
    answer = orjson.loads(choice.message.content or "")
    assert (answer["intent"], "thoughts" in answer) == (["?"], True)


async def test_the_content_may_have_a_value_that_no_enum_has(client: Any) -> None:
    [choice] = conform(openrouter.Completion, await complete_with_fault(client, "unknown_value")).choices
    assert orjson.loads(choice.message.content or "")["intent"] not in INTENTS


async def test_there_may_be_no_choice(client: Any) -> None:
    assert conform(openrouter.Completion, await complete_with_fault(client, "no_choices")).choices == []
