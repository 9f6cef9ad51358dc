"""Corrupted responses."""

from sandbox.corrupt_response import change_types, repeat_first_entries


def test_every_leaf_gets_another_type() -> None:
    corrupted = change_types({"count": 3, "zip": "34698", "name": "Ada", "dnc": True, "list": [{"x": None}]})
    assert corrupted == {"count": "3", "zip": 34698, "name": ["Ada"], "dnc": "True", "list": {"0": {"x": "None"}}}


def test_lists_of_objects_repeat_their_first_entry() -> None:
    assert repeat_first_entries({"a": [{"b": 1}, {"b": 2}], "c": [1, 2], "d": []}) == {
        "a": [{"b": 1}, {"b": 2}, {"b": 1}],
        "c": [1, 2],
        "d": [],
    }
