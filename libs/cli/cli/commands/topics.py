"""Kafka topics, as `common.topics` declares them."""

from dataclasses import asdict
from typing import Any

from cli.errors import CliError
from cli.kafka import with_admin
from cli.lazy import new_app
from cli.output import AsJson, show_rows
from common import topics
from common.topics import TopicState

app = new_app("Kafka topics: list, create what is missing, compare.")

_DECLARED = {"name": "topic", "partitions": "partitions", "retention_days": "days kept", "max_bytes": "largest message"}
_STATES = {"name": "topic", "state": "state", "differences": "what differs"}


@app.command("list")
def list_topics(*, as_json: AsJson = False) -> None:
    """List the topics that should exist; asks no Kafka."""
    show_rows([asdict(topic) for topic in topics.TOPICS], _DECLARED, as_json=as_json, empty="")


@app.command("apply")
def apply_topics(*, as_json: AsJson = False) -> None:
    """Create the topics that are missing. A topic that differs is named and left as it is."""
    states = with_admin(
        lambda admin, settings: topics.ensure(admin, settings.kafka_topic_prefix, settings.kafka_replication)
    )
    _show(states, as_json=as_json)


@app.command("check")
def check_topics(*, as_json: AsJson = False) -> None:
    """Compare the topics in Kafka with what they should be; exit code 1 when one is missing or differs."""
    states = with_admin(
        lambda admin, settings: topics.check(admin, settings.kafka_topic_prefix, settings.kafka_replication)
    )
    _show(states, as_json=as_json)


def _show(states: list[TopicState], *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [asdict(state) for state in states]
    show_rows(rows, _STATES, as_json=as_json, empty="")
    wrong = [state.name for state in states if state.state in ("missing", "differs")]
    if wrong:
        raise CliError(
            f"{len(wrong)} topics are not as they should be.",
            "`equity topics apply` makes the missing ones. One that differs is replaced by a topic of a new name.",
        )
