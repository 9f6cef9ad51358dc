"""Real Kafka and PostgreSQL on this machine without Docker: what `./dev up` and the tests start and stop.

Standard library only, because it runs before anything is installed.
"""

from local_services.kafka import KafkaServer, start_kafka
from local_services.postgres import PostgresServer, start_postgres

__all__ = ["KafkaServer", "PostgresServer", "start_kafka", "start_postgres"]
