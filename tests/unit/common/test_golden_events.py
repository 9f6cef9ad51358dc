"""Every published version of every event can be read. Samples in golden/ are added, never changed."""

import json
from pathlib import Path

import pytest

from documents.asyncapi import CATALOGUE

GOLDEN = Path(__file__).with_name("golden")
BY_NAME = {event.__name__: event for event in CATALOGUE}


@pytest.mark.parametrize("sample", sorted(GOLDEN.glob("*.json")), ids=lambda file: file.stem)
def test_a_published_event_stays_readable(sample: Path) -> None:
    body = json.loads(sample.read_text())
    event = BY_NAME[sample.stem.split(".")[0]].model_validate(body)
    again = json.loads(event.model_dump_json(exclude_none=True))
    assert {key: again[key] for key in body if key in again} == {
        key: value for key, value in body.items() if key in again
    }
    assert set(body) - set(again) <= {"a_field_of_tomorrow"}


def test_every_event_has_a_sample() -> None:
    assert {file.stem.split(".")[0] for file in GOLDEN.glob("*.json")} == set(BY_NAME)
