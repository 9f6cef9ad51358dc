"""Kafka topics, each declared once with its partitions, retention and sizes.

A topic's number of partitions is never changed in place: a new topic `.v2` replaces it.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError

DAY_MS = 86_400_000
_POLL_ATTEMPTS, _POLL_SECONDS = 20, 0.5
_REPLICAS_FOR_TWO_IN_SYNC = 3
MAX_INPUT_BYTES = 900_000
MAX_DEAD_LETTER_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Topic:
    """Topic as it must be in Kafka."""

    name: str
    partitions: int = 3
    retention_days: int = 7
    max_bytes: int = 1_048_576
    broker_time: bool = False
    """Whether Kafka sets the time of messages, so that a wrong clock of a sender has no effect."""

    def kafka_config(self, in_sync_replicas: int) -> dict[str, str]:
        """Return the topic's Kafka settings."""
        return {
            "retention.ms": str(self.retention_days * DAY_MS),
            "max.message.bytes": str(self.max_bytes),
            "message.timestamp.type": "LogAppendTime" if self.broker_time else "CreateTime",
            "min.insync.replicas": str(in_sync_replicas),
        }


FUNNEL_EVENT_NAMES = (
    "upload_received", "upload_refused", "lead_rejected", "dedupe_success", "lead_verified", "lead_unverifiable",
    "campaign_queued", "campaign_added", "email_sent", "email_bounced", "email_replied", "reply_classified",
    "unsubscribed", "consent_granted", "consent_revoked", "consent_refused", "lead_not_callable", "call_initiated",
    "call_completed", "callback_scheduled", "appointment_booked", "appointment_rescheduled", "appointment_cancelled",
    "appointment_no_show", "application_submitted", "loan_funded", "broker_notified", "billing_recorded", "invoice_issued",
    "lead_paused", "lead_resumed", "lead_reassigned", "lead_erased",
)  # fmt: skip
"""Events of the funnel, in the order in which a lead has them; last those that an operator causes at any time."""

FUNNEL_TOPICS = tuple(f"funnel.{event}" for event in FUNNEL_EVENT_NAMES)

TOPICS: tuple[Topic, ...] = (
    Topic("ingest.leads", partitions=12, broker_time=True),
    Topic("ingest.deals", broker_time=True),
    Topic("webhook.instantly"),
    Topic("webhook.vapi"),
    Topic("webhook.calcom"),
    *(Topic(name, partitions=12 if name == "funnel.dedupe_success" else 3) for name in FUNNEL_TOPICS),
    Topic("pipeline.dlq", max_bytes=MAX_DEAD_LETTER_BYTES + 200_000),
)


@dataclass(frozen=True, slots=True)
class TopicState:
    """State of one topic in Kafka: `ok`, `created`, `missing`, or `differs` with the differences."""

    name: str
    state: str
    differences: tuple[str, ...] = ()


async def create_missing_topics(admin: AIOKafkaAdminClient, prefix: str = "", replication: int = 1) -> list[TopicState]:
    """Create the missing topics. Report differences of the others, and change nothing in them.

    With three replicas, a write counts once two replicas have it.
    """
    missing = {state.name for state in await compare_topics(admin, prefix, replication) if state.state == "missing"}
    await admin.create_topics(
        [
            NewTopic(
                prefix + topic.name,
                topic.partitions,
                replication,
                topic_configs=topic.kafka_config(_in_sync(replication)),
            )
            for topic in TOPICS
            if prefix + topic.name in missing
        ]
    )
    states = await compare_topics(admin, prefix, replication)
    for _ in range(_POLL_ATTEMPTS):  # brokers learn of a new topic a moment after the controller
        if all(state.state != "missing" for state in states):
            break
        await asyncio.sleep(_POLL_SECONDS)
        states = await compare_topics(admin, prefix, replication)
    await _await_coordinator(admin, prefix)
    return [
        TopicState(state.name, "created") if state.name in missing and state.state == "ok" else state
        for state in states
    ]


async def _await_coordinator(admin: AIOKafkaAdminClient, prefix: str) -> None:
    """Wait until Kafka has a coordinator for consumer groups.

    A new cluster creates the offsets topic at the first request for a coordinator. Consumers that start meanwhile log errors.
    """
    for _ in range(_POLL_ATTEMPTS):
        try:
            await admin.find_coordinator(f"{prefix}topics")
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError):
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return


async def compare_topics(admin: AIOKafkaAdminClient, prefix: str = "", replication: int = 1) -> list[TopicState]:
    """Compare every declared topic with Kafka, and change nothing."""
    existing = set(await admin.list_topics())
    names = [prefix + topic.name for topic in TOPICS if prefix + topic.name in existing]
    described = {entry["topic"]: entry for entry in await admin.describe_topics(names)} if names else {}
    configs = await _configs(admin, names)
    return [_state(topic, prefix + topic.name, described, configs, _in_sync(replication)) for topic in TOPICS]


def _in_sync(replication: int) -> int:
    return 2 if replication >= _REPLICAS_FOR_TWO_IN_SYNC else 1


def _state(
    topic: Topic, name: str, described: dict[str, Any], configs: dict[str, dict[str, str]], in_sync: int
) -> TopicState:
    if name not in described:
        return TopicState(name, "missing")
    differences = []
    partitions = len(described[name]["partitions"])
    if partitions != topic.partitions:
        differences.append(f"partitions: {partitions} instead of {topic.partitions}")
    for key, wanted in topic.kafka_config(in_sync).items():
        actual = configs.get(name, {}).get(key)
        if actual != wanted:
            differences.append(f"{key}: {actual} instead of {wanted}")
    return TopicState(name, "differs" if differences else "ok", tuple(differences))


async def _configs(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not resources:
        return {}
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for resource in response.resources:
            _error, _message, _kind, name, entries = resource[:5]
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs
