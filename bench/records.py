"""Invented records for the benchmarks, as files and as rows for the database."""

import csv
import os
import runpy
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from common import ids
from common.records.normalise import PropertyRecord, normalise
from common.records.row_reader import read_row
from ingest.leads.lead_row import LeadRow, observation_stamp
from ingest.leads.merge import merge_records

BATCH_SIZE = 1_000
TODAY = date(2026, 11, 21)
_generator = runpy.run_path(str(Path(__file__).parents[1] / "samples" / "generate.py"))


def write_csv(file: Path, rows: int, seed: int = 7) -> Path:
    """Write *rows* invented records as PropStream exports them."""
    return Path(_generator["write"](file, rows, seed))


def lead_rows(file: Path) -> list[LeadRow]:
    """Return the records of *file*, normalised as ingest writes them to the database."""
    found = []
    with file.open(encoding="utf-8-sig", newline="") as source:
        for cells in csv.DictReader(source):
            record = normalise(read_row({name: value for name, value in cells.items() if name and value}), TODAY)
            if isinstance(record, PropertyRecord):
                found.append(_row(record))
    return found


def _row(record: PropertyRecord) -> LeadRow:
    return LeadRow(
        ids.LeadId(ids.new_id()), observation_stamp(TODAY.toordinal(), "propstream"), "propstream", record.facts, record.flags, record.mak,
        data_key=os.urandom(64), lead_score=50, score_contributions='{"base":50}',
    )  # fmt: skip


async def copy_and_upsert(connection: asyncpg.Connection, rows: list[LeadRow]) -> None:
    """Copy rows into `leads_staging` and upsert from there, one batch per transaction: the share of PostgreSQL alone."""
    for batch in _batches(rows):
        records = [home.row.as_record(number) for number, home in enumerate(merge_records(batch))]
        columns = sorted({name for record in records for name in record})
        async with connection.transaction():
            await connection.copy_records_to_table(
                "leads_staging",
                schema_name="pipeline",
                columns=columns,
                records=[tuple(map(record.get, columns)) for record in records],
            )
            await connection.fetch("select * from app.upsert_leads(array(select s from pipeline.leads_staging s))")
            await connection.execute("delete from pipeline.leads_staging")


def _batches(rows: list[LeadRow]) -> Iterator[list[Any]]:
    source = iter(rows)
    while batch := list(islice(source, BATCH_SIZE)):
        yield batch
