"""Objects that the sandbox's classifier makes for a JSON schema."""

from typing import Any

import pytest

from sandbox.vendors.openrouter.classifier import fill_schema


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "maximum": 0}, 0),
        ({"type": ["string", "null"]}, ""),
        ({"type": "array"}, []),
        ({"const": "reply"}, "reply"),
        ({"enum": ["a", "b"]}, "b"),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, False),
        ({"$ref": "#/$defs/Route", "$defs": {"Route": {"enum": ["interested", "x"]}}}, "interested"),
        ({"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}, {"a": {}}),
        ({"type": "null"}, None),
    ],
)
def test_every_kind_of_schema_has_a_value(schema: dict[str, Any], value: Any) -> None:
    assert fill_schema(schema, "Yes") == value


def test_an_opt_out_decides_before_everything_else() -> None:
    assert fill_schema({"enum": ["interested", "unsubscribe"]}, "Yes, call me? No: stop.") == "unsubscribe"
