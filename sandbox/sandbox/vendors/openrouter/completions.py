"""Bodies of chat completions, correct ones and those of faults that come after a model began to answer."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

PROMPT_DOLLARS, COMPLETION_DOLLARS = 0.1e-6, 0.4e-6
"""Prices of a token, those of `google/gemini-2.5-flash-lite` in November 2026."""
_CHARACTERS_PER_TOKEN = 4

Completion = dict[str, Any]


def create_completion(number: int, created: int, model: str, prompt: str, content: str) -> Completion:
    """Return the body of an answer that a model finished."""
    prompt_tokens, completion_tokens = count_tokens(prompt), count_tokens(content)
    cost = prompt_tokens * PROMPT_DOLLARS + completion_tokens * COMPLETION_DOLLARS
    message = {"role": "assistant", "content": content, "refusal": None, "reasoning": None}
    return {
        "id": f"gen-{created}-{number:020d}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "provider": "Sandbox",
        "system_fingerprint": None,
        "choices": [
            {"index": 0, "finish_reason": "stop", "native_finish_reason": "STOP", "logprobs": None, "message": message}
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "cost": round(cost, 10),
        },
    }


def count_tokens(text: str) -> int:
    """Return about the number of tokens of *text*."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def _set_answer(completion: Completion, finish_reason: str, content: str | None) -> Completion:
    choice = completion["choices"][0]
    choice["finish_reason"] = finish_reason
    choice["message"]["content"] = content
    return completion


def _content(completion: Completion) -> str:
    return str(completion["choices"][0]["message"]["content"])


def _error(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "metadata": {"provider_name": "Sandbox"}}


def _error_in_body(completion: Completion) -> Completion:
    return {"error": _error(502, "Provider returned error"), "id": completion["id"]}


def _error_in_choice(completion: Completion) -> Completion:
    completion["choices"][0]["error"] = _error(502, "Provider disconnected while it answered")
    return _set_answer(completion, "error", _content(completion)[:10])


def _break_schema(completion: Completion) -> Completion:
    """Replace every value by one of another type, and add a property."""
    broken: Completion = {name: ["?"] for name in _answer_object(completion)}
    return _set_answer(completion, "stop", orjson.dumps({**broken, "thoughts": "?"}).decode())


def _unknown_value(completion: Completion) -> Completion:
    """Replace every text of the answer by a value that no enum has."""
    answer = _answer_object(completion)
    changed = {name: "delighted" if isinstance(value, str) else value for name, value in answer.items()}
    return _set_answer(completion, "stop", orjson.dumps(changed).decode())


def _answer_object(completion: Completion) -> dict[str, Any]:
    """Return the object of the content, empty if the content is none."""
    try:
        answer = orjson.loads(_content(completion))
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _refuse(completion: Completion) -> Completion:
    completion["choices"][0]["message"]["refusal"] = "I'm sorry, but I can't help with that."
    return _set_answer(completion, "stop", None)


COMPLETION_FAULTS: Mapping[str, Callable[[Completion], Completion]] = {
    "error_in_body": _error_in_body,
    "error_in_choice": _error_in_choice,
    "finish_error": lambda completion: _set_answer(completion, "error", None),
    "bad_json": lambda completion: _set_answer(completion, "stop", "Here is the classification: " + _content(completion)[:-1]),
    "fenced_json": lambda completion: _set_answer(completion, "stop", f"```json\n{_content(completion)}\n```"),
    "wrong_schema": _break_schema,
    "unknown_value": _unknown_value,
    "length": lambda completion: _set_answer(completion, "length", _content(completion)[: len(_content(completion)) // 2]),
    "content_filter": lambda completion: _set_answer(completion, "content_filter", ""),
    "refusal": _refuse,
    "no_choices": lambda completion: {**completion, "choices": []},
}  # fmt: skip
"""By kind: the change of the body. The status stays 200, and the tokens are paid for."""
