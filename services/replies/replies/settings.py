"""Settings that the environment gives the replies service."""

from typing import Annotated

from pydantic import Field, StringConstraints

from common.settings import ApiKey, ApiUrl
from replies.answers.settings import AnswerSettings
from replies.reconciliation.settings import ReconciliationSettings

ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][\w.~-]*/[\w.:-]+$", max_length=100)]


class RepliesSettings(AnswerSettings, ReconciliationSettings):
    """Settings of the replies service."""

    openrouter_base_url: ApiUrl = Field(
        "https://openrouter.ai", description="Address of OpenRouter's API, to which /api/v1 is added."
    )
    openrouter_api_key: ApiKey | None = Field(None, description="Without a key, rules alone classify replies.")
    openrouter_model: ModelName = Field("google/gemini-2.5-flash-lite", description="Model that classifies replies.")
    openrouter_fallback_models: str = Field(
        "openai/gpt-4o-mini,mistralai/mistral-small-3.2-24b-instruct",
        pattern=r"^([\w.~-]+/[\w.:-]+(,[\w.~-]+/[\w.:-]+)*)?$",
        description="Models that OpenRouter asks if the first one fails, in this order, separated by commas.",
    )
    openrouter_timeout_seconds: float = Field(
        12, gt=0, description="Longest wait for the model; after it, rules decide."
    )
    openrouter_requests_per_minute: int = Field(
        120, ge=1, description="Rate of all replicas together. A reply waits for a permit for the time above at most."
    )
    replies_poll_seconds: float = Field(
        5,
        gt=0,
        description="Seconds between two searches for replies without a route. A new reply is classified at once.",
    )
    replies_lease_seconds: float = Field(
        10, gt=0, description="Time after which a reply that a killed process was classifying is taken again."
    )
    unpublished_webhook_seconds: float = Field(
        15,
        gt=0,
        description="Age from which a webhook that is not in Kafka is handled from the gateway's outbox, so that no opt-out waits.",
    )
