"""Shapes of OpenRouter's chat completions (docs/vendors/openrouter.md).

Source: openrouter.ai/docs/api_reference/overview, /errors-and-debugging and /guides/features/structured-outputs. Certainty
H, as docs/vendors/README.md defines it.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from contracts import Closed, Open

Slug = Annotated[str, StringConstraints(pattern=r"^[\w.~-]+/[\w.:-]+$")]


class Message(Open):
    """Message of a chat."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Any]


class StrictSchema(Open):
    """JSON schema of an answer, in its strict form: every property is required, and no other is allowed."""

    type: Literal["object"]
    properties: dict[str, Any]
    required: list[str]
    additionalProperties: Literal[False]

    @model_validator(mode="after")
    def requires_every_property(self) -> "StrictSchema":
        assert set(self.properties) == set(self.required), "every property is required"
        return self


class JsonSchema(Closed):
    """Field `json_schema` of the response format."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    strict: Literal[True]
    schema_: StrictSchema = Field(alias="schema")
    description: str | None = None


class StructuredFormat(Closed):
    """Response format of structured output."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


class Provider(Open):
    """Routing preferences."""

    order: list[str] | None = None
    only: list[str] | None = None
    ignore: list[str] | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None


class ChatRequest(Open):
    """Request of `POST /chat/completions` with structured output, as the product sends it."""

    model: Slug
    messages: list[Message] = Field(min_length=1)
    response_format: StructuredFormat
    models: list[Slug] | None = None
    provider: Provider | None = None
    temperature: int | float | None = None
    max_tokens: int | None = None
    stream: Literal[False] | None = None


class AnswerMessage(Open):
    """Message of the model."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None = None
    reasoning: str | None = None


class Choice(Open):
    """One answer."""

    index: int
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter", "error"] | None
    message: AnswerMessage


class Usage(Open):
    """Tokens, and their price in dollars."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: int | float

    @model_validator(mode="after")
    def adds_up(self) -> "Usage":
        assert self.total_tokens == self.prompt_tokens + self.completion_tokens
        return self


class Completion(Open):
    """Response of `POST /chat/completions`, status 200, if no `error` replaces the choices."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: Slug
    choices: list[Choice]
    usage: Usage


class ErrorObject(Open):
    """Code, message and details of an error."""

    code: int
    message: str
    metadata: dict[str, Any] | None = None


class Failure(Open):
    """Response with status 400 and above; also with 200, when the failure came after a model began to answer."""

    error: ErrorObject
