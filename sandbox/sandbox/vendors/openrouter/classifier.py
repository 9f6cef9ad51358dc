"""Simple classification of a text by words, as an object that fits a given JSON schema."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class _Rule:
    """Words of one intent, and the sentiment that goes with it."""

    intent: str
    words: re.Pattern[str]
    sentiment: str


def _rule(intent: str, sentiment: str, pattern: str) -> _Rule:
    return _Rule(intent, re.compile(pattern, re.IGNORECASE), sentiment)


RULES: Sequence[_Rule] = (
    _rule(
        "unsubscribe",
        "negative",
        r"\b(stop|unsubscribe|remove me|take me off|opt out|do not contact|cancel|no me escriba|darme de baja)\b",
    ),
    _rule("out_of_office", "neutral", r"\b(out of (the )?office|i am away|on vacation|fuera de la oficina)\b"),
    _rule("wrong_person", "neutral", r"\b(wrong person|i do(n't| not) own|persona equivocada)\b"),
    _rule("not_interested", "negative", r"\b(not interested|no thanks?|no me interesa)\b"),
    _rule("interested", "positive", r"\b(yes|call me|interested|please call|s[ií]|ll[aá]meme)\b"),
    _rule("question", "neutral", r"\?|\b(what|how|why|when|who|cu[aá]nto|qu[eé])\b"),
)
"""The first rule whose words are in the text decides."""

_CALLBACK = re.compile(r"\bcall|\bphone|\bring me|ll[aá]m", re.IGNORECASE)
SURE, UNSURE = 0.93, 0.4


def fill_schema(schema: Mapping[str, Any], text: str) -> Any:
    """Return a value that fits *schema*: enums by the rules, flags about calls by words, numbers as confidence."""
    rule = next((rule for rule in RULES if rule.words.search(text)), None)
    return _fill(schema, schema, "", text, rule)


def _fill(root: Mapping[str, Any], schema: Mapping[str, Any], name: str, text: str, rule: _Rule | None) -> Any:
    schema = _resolve(root, schema)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _choose(schema["enum"], rule)
    kind = schema.get("type")
    kind = next((entry for entry in kind if entry != "null"), "null") if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        return {key: _fill(root, part, key, text, rule) for key, part in properties.items()}
    if kind in {"number", "integer"}:
        return _limit(schema, UNSURE if rule is None else SURE, is_whole=kind == "integer")
    if kind == "boolean":
        return "call" in name.lower() and _CALLBACK.search(text) is not None
    return {"array": [], "string": ""}.get(str(kind))


def _resolve(root: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema behind `$ref`, `anyOf` and `allOf`: the first that is not null."""
    while True:
        if "$ref" in schema:
            target: Any = root
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
            continue
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if not options:
            return schema
        schema = next((option for option in options if option.get("type") != "null"), options[0])


def _choose(options: Sequence[Any], rule: _Rule | None) -> Any:
    """Return the option that the rule names, or else a neutral one."""
    wanted = () if rule is None else (rule.intent, rule.sentiment)
    for candidate in (*wanted, "other", "neutral", "unknown"):
        if candidate in options:
            return candidate
    return options[-1]


def _limit(schema: Mapping[str, Any], value: float, *, is_whole: bool) -> float:
    """Return *value* within the limits of the schema."""
    limited: float = min(max(value, schema.get("minimum", value)), schema.get("maximum", value))
    return round(limited) if is_whole else limited
