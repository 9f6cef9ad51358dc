"""Request bodies of OpenRouter's chat completions (docs/vendors/openrouter.md, Request)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

ModelSlug = Annotated[str, StringConstraints(pattern=r"^[\w.~-]+/[\w.:-]+$")]


class _OpenRouterRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class ChatMessage(_OpenRouterRequest):
    """One message of a chat."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]]

    def text(self) -> str:
        """Return the text of the message, also if it has parts."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(str(part.get("text", "")) for part in self.content)


class NamedSchema(_OpenRouterRequest):
    """A JSON schema for the answer. A strict one names all properties as required and allows no others."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    strict: bool = False
    schema_: dict[str, Any] = Field(alias="schema")

    @model_validator(mode="after")
    def check_strictness(self) -> "NamedSchema":
        """Raise ValueError for a strict schema that leaves properties open."""
        properties = set(self.schema_.get("properties", {}))
        is_closed = self.schema_.get("additionalProperties") is False
        if self.strict and not (is_closed and properties == set(self.schema_.get("required", ()))):
            raise ValueError("a strict schema needs additionalProperties false and every property in required")
        return self


class ResponseFormat(_OpenRouterRequest):
    """The form of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None

    @model_validator(mode="after")
    def require_schema(self) -> "ResponseFormat":
        """Raise ValueError for `json_schema` without a schema."""
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise ValueError("json_schema is required for this type, and only for it")
        return self


class ProviderPreferences(_OpenRouterRequest):
    """The providers that may answer."""

    order: list[str] | None = None
    only: list[str] | None = None
    ignore: list[str] | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None


class ChatRequest(_OpenRouterRequest):
    """Body of `POST /chat/completions`."""

    model: ModelSlug | None = None
    models: list[ModelSlug] | None = None
    messages: list[ChatMessage] = Field(min_length=1)
    response_format: ResponseFormat | None = None
    provider: ProviderPreferences | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    seed: int | None = None
    stream: Literal[False] | None = None

    @model_validator(mode="after")
    def require_model(self) -> "ChatRequest":
        """Raise ValueError without any model."""
        if not self.list_models():
            raise ValueError("model or models is required")
        return self

    def list_models(self) -> list[str]:
        """Return the models to try, each once, in their order."""
        first = [self.model] if self.model else []
        return list(dict.fromkeys([*first, *(self.models or ())]))

    def last_user_text(self) -> str:
        """Return the text of the last message of the user."""
        return next((message.text() for message in reversed(self.messages) if message.role == "user"), "")
