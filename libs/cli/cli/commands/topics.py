"""Kafka topics, as `common.topics` declares them."""

from dataclasses import asdict
from typing import Any

from cli.kafka_admin import run_with_admin
from cli.shell.app import new_app
from cli.shell.errors import CliError
from cli.shell.output import AsJson, print_rows
from common import topics
from common.topics import TopicState

app = new_app(
    "Kafka topics: list, create what is missing, compare.",
    panel="Running it",
    summary="Kafka topics: list, create what is missing, compare.",
    order=40,
)

_TOPIC_COLUMNS = {
    "name": "topic",
    "partitions": "partitions",
    "retention_days": "days kept",
    "max_bytes": "largest message",
}
_STATE_COLUMNS = {"name": "topic", "state": "state", "differences": "what differs"}


@app.command("list")
def list_topics(*, as_json: AsJson = False) -> None:
    """List the topics that should exist; asks no Kafka."""
    print_rows([asdict(topic) for topic in topics.TOPICS], _TOPIC_COLUMNS, as_json=as_json, empty="")


@app.command("apply")
def apply_topics(*, as_json: AsJson = False) -> None:
    """Create the topics that are missing. A topic that differs is named and left as it is."""
    states = run_with_admin(
        lambda admin, settings: topics.create_missing_topics(
            admin, settings.kafka_topic_prefix, settings.kafka_replication
        )
    )
    _report_states(states, as_json=as_json)


@app.command("check")
def check_topics(*, as_json: AsJson = False) -> None:
    """Compare the topics in Kafka with what they should be; exit code 1 when one is missing or differs."""
    states = run_with_admin(
        lambda admin, settings: topics.compare_topics(admin, settings.kafka_topic_prefix, settings.kafka_replication)
    )
    _report_states(states, as_json=as_json)


def _report_states(states: list[TopicState], *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [asdict(state) for state in states]
    print_rows(rows, _STATE_COLUMNS, as_json=as_json, empty="")
    differing = [state.name for state in states if state.state in ("missing", "differs")]
    if differing:
        raise CliError(
            f"{len(differing)} topics are not as they should be.",
            "`equity topics apply` makes the missing ones. One that differs is replaced by a topic of a new name.",
        )
