"""Topics made and compared by the command line."""

from collections.abc import AsyncIterator

import pytest

from common.topics import TOPICS
from support import topics
from support.commandline import Equity


@pytest.fixture
async def deleted_afterwards(kafka: str, topic_prefix: str) -> AsyncIterator[str]:
    """A prefix whose topics are deleted after the test."""
    yield topic_prefix
    await topics.delete(kafka, topic_prefix)


def test_missing_topics_are_made_once_and_compared(kafka: str, deleted_afterwards: str) -> None:
    topic_prefix = deleted_afterwards
    equity = Equity({"KAFKA_BOOTSTRAP_SERVERS": kafka, "KAFKA_TOPIC_PREFIX": topic_prefix})
    missing = equity("topics", "check", "--json")
    assert missing.code == 1
    assert {row["state"] for row in missing.json} == {"missing"}
    assert "equity topics apply" in missing.err
    made = equity("topics", "apply", "--json").ok().json
    assert {row["name"] for row in made} == {topic_prefix + topic.name for topic in TOPICS}
    assert {row["state"] for row in made} == {"created"}
    assert {row["state"] for row in equity("topics", "apply", "--json").ok().json} == {"ok"}
    equity("topics", "check").ok()


def test_the_declared_topics_are_listed_without_kafka() -> None:
    listed = Equity({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})("topics", "list", "--json").ok().json
    assert [row["name"] for row in listed] == [topic.name for topic in TOPICS]
