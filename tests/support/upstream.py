"""Producer of records on `ingest.leads`: as an upstream system without our code, or as the gateway with rows of an upload."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer

from common import ids
from support.installation import Installation

Headers = list[tuple[str, bytes]]


class UpstreamProducer:
    """Producer of records on `ingest.leads`."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation

    async def send_records(self, *bodies: Any, headers: Headers | None = None) -> None:
        """Produce *bodies* one after another, all with the same *headers*."""
        await self.send_messages([(body, headers or []) for body in bodies])

    async def send_upload_rows(self, upload_id: UUID, *rows: dict[str, Any]) -> None:
        """Produce *rows* as the gateway does: each with the id that derives from its upload and number."""
        await self.send_messages(
            [
                (
                    {"upload_id": str(upload_id), "row": n, **row},
                    [("ce_id", str(ids.upload_row_id(upload_id, n)).encode())],
                )
                for n, row in enumerate(rows, 1)
            ]
        )

    async def send_messages(self, messages: Sequence[tuple[Any, Headers]]) -> list[int]:
        """Produce *messages*, each a body and its headers, one after another. Return their offsets."""
        producer = AIOKafkaProducer(bootstrap_servers=self.installation.kafka)
        await producer.start()
        try:
            sent = []
            for body, headers in messages:
                value = body if isinstance(body, bytes) else json.dumps(body).encode()
                sent.append(await producer.send(f"{self.installation.prefix}ingest.leads", value, headers=headers))
            return [stored.offset for stored in await asyncio.gather(*sent)]
        finally:
            await producer.stop()
