"""AsyncAPI document of the event catalogue and the topics."""

from typing import Any

import yaml

import common
from common import topics
from common.events import (
    FUNNEL_EVENTS,
    WEBHOOK_EVENTS,
    DeadLetter,
    DeadLetterResolved,
    DealRecord,
    Event,
    LeadRecord,
)

CATALOGUE: tuple[type[Event], ...] = (
    LeadRecord,
    DealRecord,
    *WEBHOOK_EVENTS.values(),
    *FUNNEL_EVENTS,
    DeadLetter,
    DeadLetterResolved,
)

HEADERS = {
    "type": "object",
    "description": "CloudEvents in Kafka's binary mode. All are optional for producers of `ingest.*`.",
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "description": "The same id twice is one event; give each record its own."},
        "ce_type": {"type": "string", "description": "The topic's name."},
        "ce_source": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time", "description": "Time of the event; at most 13 days ago."},
        "ce_subject": {"type": "string", "description": "The lead's id."},
        "ce_causationid": {"type": "string"},
        "ce_correlationid": {"type": "string", "description": "The upload or campaign run."},
        "ce_durationms": {"type": "string", "description": "Milliseconds since the event that caused this one."},
        "traceparent": {"type": "string"},
    },
}


def build_asyncapi_text() -> str:
    """Return the document as YAML."""
    return yaml.safe_dump(build_document(), sort_keys=False, width=120, allow_unicode=True)


def build_document() -> dict[str, Any]:
    """Build the AsyncAPI 3.0 document of every topic that has a model."""
    topic_by_name = {topic.name: topic for topic in topics.TOPICS}
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for event in CATALOGUE:
        schema = event.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[event.__name__] = schema
        messages[event.__name__] = _message(event)
        channel = channels.setdefault(_identifier(event.topic), _channel(topic_by_name[event.topic]))
        channel["messages"][event.__name__] = {"$ref": f"#/components/messages/{event.__name__}"}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Equity Connect", "version": common.__version__, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            "sendLeadRecord": _operation("send", "ingest.leads"),
            "sendDealRecord": _operation("send", "ingest.deals"),
        },
        "components": {"messages": messages, "schemas": schemas | {"Headers": HEADERS}},
    }


_DESCRIPTION = (
    "Every message is a CloudEvent. Upstream systems produce property records to `ingest.leads`, and deals to `ingest.deals`, with any "
    "Kafka client. Records that cannot be read are in `pipeline_dlq`, with the reason. Only the services produce to `funnel.*`."
)


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.__name__,
        "summary": (event.__doc__ or "").split("\n")[0],
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
    }


def _channel(topic: topics.Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "messages": {},
        "bindings": {"kafka": {"partitions": topic.partitions, "topicConfiguration": _configuration(topic)}},
    }


def _configuration(topic: topics.Topic) -> dict[str, Any]:
    return {"retention.ms": topic.retention_days * topics.DAY_MS, "max.message.bytes": topic.max_bytes}


def _operation(action: str, topic: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{_identifier(topic)}"}}


def _identifier(topic: str) -> str:
    return topic.replace(".", "_")
