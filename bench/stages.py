"""Stages of intake: the functions in which the services spend their CPU time, and the time of each (`sampler/`)."""

# ruff: noqa: SLF001 - a stage may be a private function
import asyncio
import inspect
import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.bus import Bus, Tx
from common.bus.batch import Batch
from common.bus.consumer import Consumer
from common.bus.consumer_instance import ConsumerInstance
from common.bus.kafka import KafkaBatches
from common.bus.poll import LosslessConsumer
from common.bus.relay import Relay
from common.csv.reader import CsvReader
from common.pii.keyring import Keyring
from common.records import normalise
from common.records.row_reader import RowReader
from common.scoring import score
from gateway.uploads.chunks import ChunkReader
from gateway.uploads.messages import RowMessageBuilder
from gateway.uploads.publisher import UploadPublisher
from gateway.uploads.receiver import UploadReceiver
from harness import System, wait_until
from ingest import prepare
from ingest.handlers import IngestHandlers
from ingest.leads import contact_writer, lead_writer, merge, prohibitions, upload_results
from recorder import event_row, handlers

SAMPLER = Path(__file__).parent / "sampler"
_STAGES: Mapping[str, tuple[Callable[..., Any], ...]] = {
    "receive upload": (UploadReceiver.receive_upload,),
    "read CSV": (ChunkReader.read_chunk, CsvReader.read_rows, CsvReader._records, CsvReader._lines),
    "build messages": (RowMessageBuilder.build_message,),
    "fill Kafka batches": (KafkaBatches.add,),
    "send": (UploadPublisher._publish_chunks,),
    "poll Kafka": (LosslessConsumer.getmany,),
    "decode": (Consumer.read_records,),
    "read cells": (prepare._read_raw_fields, RowReader.read),
    "normalise": (normalise.normalise,),
    "score": (score.score,),
    "data keys": (Keyring.create_data_key,),
    "encrypt contacts": (prepare._encrypt_contacts,),
    "prepare, other": (IngestHandlers._prepare_batch, prepare.prepare),
    "inbox": (Batch._claim,),
    "merge records": (merge.merge_records,),
    "upsert": (lead_writer._upsert_homes,),
    "contacts": (contact_writer.write_contacts, prohibitions.enforce_prohibitions),
    "tallies": (upload_results.write_tallies, upload_results.write_rejects),
    "build events": (Tx.emit, lead_writer._emit_dedupe_success),
    "outbox": (Tx.write_outbox,),
    "commit, other": (Bus.transact, lead_writer.write_leads),
    "relay": (Relay._run,),
    "read events": (event_row.read_event,),
    "insert events": (handlers.write_events,),
    "batch, other": (ConsumerInstance.handle,),
}  # fmt: skip
"""Stage of each function: of all calls in progress, the innermost one counts."""


async def start_sampled(running: System, *services: str) -> None:
    """Start each of *services* as a process that samples its stages. `ingest 2` is a second process of ingest."""
    directory = running.installation.directory
    stages = directory / "stages.json"
    stages.write_text(json.dumps(_stage_by_code()))
    path = os.pathsep.join([str(SAMPLER), *filter(None, [os.environ.get("PYTHONPATH")])])
    for service in services:
        samples = str(_samples_file(running, service))
        await running.start(service, BENCH_STAGES=str(stages), BENCH_SAMPLES=samples, PYTHONPATH=path)


def _stage_by_code() -> dict[str, str]:
    codes = {
        stage: [inspect.unwrap(function).__code__ for function in functions] for stage, functions in _STAGES.items()
    }
    return {f"{code.co_filename}:{code.co_qualname}": stage for stage, found in codes.items() for code in found}


def reset_stages(running: System) -> None:
    """Begin to measure the stages of all services."""
    for pid in _pids(running).values():
        os.kill(pid, signal.SIGUSR1)


async def read_stages(running: System) -> dict[str, dict[str, float]]:
    """Return the CPU seconds of each stage, by service, since `reset_stages`."""
    return {name: await _read_stages_of(running, name, pid) for name, pid in _pids(running).items()}


async def _read_stages_of(running: System, service: str, pid: int) -> dict[str, float]:
    file = _samples_file(running, service)
    os.kill(pid, signal.SIGUSR2)

    async def is_written() -> bool:
        return file.exists()

    await wait_until(is_written, seconds=10)
    found: dict[str, float] = await asyncio.to_thread(lambda: json.loads(file.read_text()))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _samples_file(running: System, service: str) -> Path:
    return running.installation.directory / f"{service}.samples"


def _pids(running: System) -> dict[str, int]:
    return {name: spawned.process.pid for name, spawned in running.services.items() if spawned.process is not None}
