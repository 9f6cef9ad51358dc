"""Native Kafka and PostgreSQL on this machine, without Docker, for `./dev up` and the tests.

The package uses only the standard library, because it runs before any package is installed.
"""

from local_services.kafka import KafkaServer, start_kafka
from local_services.postgres import PostgresServer, start_postgres

__all__ = ["KafkaServer", "PostgresServer", "start_kafka", "start_postgres"]
