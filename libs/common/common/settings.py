"""Settings of every service, read from the environment. Each service adds its own in its `settings.py`."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+\S*$")]
"""URL of a vendor."""


def _check_no_api_path(url: str) -> str:
    if re.search(r"/api(/v\d+)?/*$", url):
        raise ValueError("the URL must end before /api, which is added to each request")
    return url


ApiUrl = Annotated[Url, AfterValidator(_check_no_api_path)]
"""URL of a vendor, to which `/api/…` is added. Twice would be a 404, which looks as if the requested object were gone."""


def _check_key_characters(key: SecretStr) -> SecretStr:
    if re.search(r"[^\x21-\x7e]", key.get_secret_value()):
        raise ValueError("a key has no spaces, line breaks or other control characters. Was other text pasted with it?")
    return key


ApiKey = Annotated[SecretStr, AfterValidator(_check_key_characters)]
"""API key of a vendor, of characters that an HTTP header can carry."""


class Settings(BaseSettings):
    """Settings shared by all services, read from the environment or from files in `SECRETS_DIR`."""

    model_config = SettingsConfigDict(
        extra="ignore",
        hide_input_in_errors=True,
        populate_by_name=True,
        secrets_dir=os.environ.get("SECRETS_DIR"),
    )

    kafka_bootstrap_servers: str = Field(
        "127.0.0.1:9092", description="Addresses of Kafka brokers, separated by commas."
    )
    kafka_topic_prefix: str = Field("", description="Prefix of every topic and group, for shared clusters and tests.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Encryption (SSL) and login (SASL) of connections to Kafka."
    )
    kafka_sasl_mechanism: str = Field("SCRAM-SHA-512", description="Mechanism of the login to Kafka.")
    kafka_sasl_username: str | None = Field(None, description="User name at Kafka, for protocols with SASL.")
    kafka_sasl_password: SecretStr | None = Field(None, description="Password at Kafka, for protocols with SASL.")
    kafka_ssl_cafile: str | None = Field(
        None, description="File with the certificate authority of Kafka. Unset: the authorities of the system."
    )
    kafka_session_seconds: float = Field(
        10,
        ge=1,
        le=60,
        description="A consumer that sends no heartbeat for longer loses its partitions to other consumers.",
    )

    database_url: SecretStr = Field(
        SecretStr("postgresql://127.0.0.1:5432/equity"),
        description="Connection string of the service's own login role; it may lead through a pooler. "
        "`<SERVICE>_DATABASE_URL`, such as `INGEST_DATABASE_URL`, has precedence.",
    )
    database_pool_size: int = Field(8, ge=2, le=100, description="Maximum number of connections of one service.")
    database_transaction_pooler: Annotated[bool | None, BeforeValidator(lambda text: None if text == "" else text)] = (
        Field(
            None,
            description="True behind a pooler that assigns a connection per transaction, such as PgBouncer; false without a "
            "pooler, or with one in session mode. Unset: each service detects it.",
        )
    )

    database_stalled_session_seconds: float = Field(
        20, ge=1, description="A session of a stalled process that holds locks for longer is ended by another replica."
    )

    encryption_key: SecretStr | None = Field(None, description="Master key, 64 hex digits: wraps each lead's data key.")
    encryption_key_id: str = Field("k1", description="Id of `ENCRYPTION_KEY`, stored with what it encrypts.")
    encryption_keys_retired: SecretStr = Field(
        SecretStr(""), description="Former master keys as `id:hex,id:hex`. They only decrypt."
    )
    contact_hash_key: SecretStr | None = Field(
        None, description="Key of contact hashes, 64 hex digits; store it apart from the master key."
    )
    contact_hash_key_id: str = Field("h1", description="Id of `CONTACT_HASH_KEY`, stored with each hash.")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severity that is logged."
    )
    log_format: Literal["json", "console"] = Field("json", description="Lines of JSON, or text for a terminal.")
    otel_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices("otel_exporter_otlp_endpoint", "otel_endpoint"),
        description="URL that receives traces and metrics over OTLP; nothing is sent unless it is set.",
    )
    health_host: str = Field("127.0.0.1", description="Address on which the health server listens.")
    health_port: int = Field(
        8081, ge=0, le=65535, description="Port of `/livez`, `/readyz` and `/metrics`; 0 takes a free one."
    )
    livez_limit_seconds: float = Field(
        300, gt=0, description="A batch that takes longer, or lag without progress for longer, makes `/livez` fail."
    )
    progress_check_seconds: float = Field(
        10, gt=0, description="Time between two measurements of lag and progress of partitions."
    )
    progress_limit_seconds: float = Field(
        120, gt=0, description="A partition that has lag and makes no progress for longer makes `/readyz` fail."
    )

    clock_file: Annotated[Path | None, BeforeValidator(lambda text: text or None)] = Field(
        None,
        description="For tests and demonstrations, never in production: a file that sets the business clock of all services "
        "while they run (`equity clock`). Unset or empty: the machine's time.",
    )
    inbox_days: int = Field(
        14, ge=8, description="Days that an inbox remembers messages: longer than topics keep them."
    )

    @classmethod
    def for_service(cls, service: str) -> Self:
        """Return the settings of *service*. `<SERVICE>_DATABASE_URL` has precedence over `DATABASE_URL`."""
        service_url = os.environ.get(f"{service.upper()}_DATABASE_URL")
        return cls(database_url=SecretStr(service_url)) if service_url else cls()

    @property
    def dsn(self) -> str:
        """Connection string of the service's own login role."""
        return self.database_url.get_secret_value()
