"""Checks of Kafka: connection and topics."""

from collections.abc import Sequence

from cli.diagnostics import Finding
from cli.kafka_admin import open_admin
from cli.shell.settings import CliSettings
from common import topics
from common.topics import TopicState

TOPICS_SHOWN = 3
"""Missing topics that are named; the others are counted."""


async def check_kafka(settings: CliSettings) -> list[Finding]:
    """Return whether Kafka answers and the topics are as declared. Raises a CliError if it does not answer."""
    async with open_admin(settings) as admin:
        brokers = (await admin.describe_cluster())["brokers"]
        states = await topics.compare_topics(admin, settings.kafka_topic_prefix, settings.kafka_replication)
    address = settings.kafka_bootstrap_servers
    return [Finding.ok("Kafka", f"{address} answers, brokers: {len(brokers)}"), *describe_topics(states)]


def describe_topics(states: Sequence[TopicState]) -> list[Finding]:
    """Return which topics are missing and which differ from their declaration."""
    missing = [state.name for state in states if state.state == "missing"]
    findings = []
    if missing:
        named = ", ".join(missing[:TOPICS_SHOWN]) + (", …" if len(missing) > TOPICS_SHOWN else "")
        text = f"{len(missing)} of {len(states)} are missing: {named}"
        findings.append(Finding.problem("topics", text, "`equity topics apply`"))
    for state in states:
        if state.differences:
            advice = "Correct its setting in Kafka. Partitions never change: a topic of a new name replaces it."
            findings.append(Finding.warning("topics", f"{state.name}: {', '.join(state.differences)}", advice))
    return findings or [Finding.ok("topics", f"all {len(states)} are as declared")]
