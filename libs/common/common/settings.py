"""What the environment can set, for every service; each service adds its own in its `settings.py`."""

import os
import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

HexKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+\S*$")]
"""A vendor's address."""


def _without_api(url: str) -> str:
    if re.search(r"/api(/v\d+)?/*$", url):
        raise ValueError("leave out what comes from /api on: it is added to each request")
    return url


ApiUrl = Annotated[Url, AfterValidator(_without_api)]
"""A vendor's address, to which `/api/…` is added. Twice would be a 404, which reads as if what was asked about were gone."""


def _key(key: SecretStr) -> SecretStr:
    if re.search(r"[^\x21-\x7e]", key.get_secret_value()):
        raise ValueError(
            "a key has no spaces, line breaks or other such characters: was it pasted with something else?"
        )
    return key


Key = Annotated[SecretStr, AfterValidator(_key)]
"""A vendor's key, as a header can carry it."""


class Settings(BaseSettings):
    """Settings shared by all services, read from the environment or from files in `SECRETS_DIR`."""

    model_config = SettingsConfigDict(
        extra="ignore",
        hide_input_in_errors=True,
        populate_by_name=True,
        secrets_dir=os.environ.get("SECRETS_DIR"),
    )

    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_topic_prefix: str = Field("", description="Set before every topic and group: shared clusters and tests.")
    kafka_security_protocol: str = Field("PLAINTEXT", pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$")
    kafka_sasl_mechanism: str = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_cafile: str | None = None
    kafka_session_seconds: float = Field(
        10,
        ge=1,
        le=60,
        description="A consumer that Kafka does not hear from for longer loses its partitions to others.",
    )

    database_url: SecretStr = SecretStr("postgresql://127.0.0.1:5432/equity")
    database_pool_size: int = Field(8, ge=2, le=100, description="Connections of one service at the most.")
    database_transaction_pooler: Annotated[
        bool | None, BeforeValidator(lambda given: None if given == "" else given)
    ] = Field(
        None,
        description="True behind a pooler that hands out a connection per transaction, such as PgBouncer; false where "
        "PostgreSQL answers itself, or a pooler in session mode. Unset: each service finds out.",
    )

    database_stalled_session_seconds: float = Field(
        20, ge=1, description="A session of a stalled process that holds locks for longer is ended by another replica."
    )

    encryption_key: SecretStr | None = Field(None, description="Master key, 64 hex digits: wraps each lead's data key.")
    encryption_key_id: str = "k1"
    encryption_keys_retired: SecretStr = Field(SecretStr(""), description="`id:hex,id:hex`: keys that still open.")
    contact_hash_key: SecretStr | None = Field(None, description="Pepper of contact hashes, 64 hex digits; kept apart.")
    contact_hash_key_id: str = "h1"

    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    log_format: str = Field("json", pattern="^(json|console)$")
    otel_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices("otel_exporter_otlp_endpoint", "otel_endpoint"),
        description="Where traces and metrics go over OTLP; nothing is sent unless it is set.",
    )
    health_host: str = "127.0.0.1"
    health_port: int = Field(8081, ge=0, le=65535, description="`/livez`, `/readyz`, `/metrics`; 0 takes a free port.")
    livez_limit_seconds: float = Field(
        300, gt=0, description="A batch that takes longer, or lag without progress for longer, makes `/livez` fail."
    )
    progress_check_seconds: float = Field(
        10, gt=0, description="How often lag and progress of partitions are measured."
    )
    progress_limit_seconds: float = Field(
        120, gt=0, description="A partition that has lag and does not move for longer makes `/readyz` fail."
    )

    clock_file: Annotated[Path | None, BeforeValidator(lambda given: given or None)] = Field(
        None,
        description="For tests and demonstrations, never in production: a file that moves the calendar's clock while services "
        "run (`equity clock`), the same for all of them. Unset or empty: the machine's time.",
    )
    inbox_days: int = Field(14, ge=8, description="Days an inbox remembers: longer than topics keep their messages.")

    @classmethod
    def for_service(cls, service: str) -> Self:
        """The settings of *service*: `<SERVICE>_DATABASE_URL` goes before `DATABASE_URL`."""
        own = os.environ.get(f"{service.upper()}_DATABASE_URL")
        return cls(database_url=SecretStr(own)) if own else cls()

    @property
    def dsn(self) -> str:
        """The connection string of the service's own login role."""
        return self.database_url.get_secret_value()
