"""TLOxp by file: leads out, answers in."""

import asyncio
import csv
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
import yaml
from pydantic import ValidationError

from cli import inputs, progress
from cli.errors import RefusedError, UsageError
from cli.lazy import new_app
from cli.output import AsJson, print_json, say, show_fields, show_rows
from cli.private import new_private
from cli.services import administered, module
from common.csv_shape import NotCsvError

app = new_app(
    """TLOxp by file: export persons, run them as a batch at TLO, import what came back.

    Off until the firm has set its permissible purpose and somebody answers for it: docs/tlo.md.
    """
)

SHIPPED = Path(__file__).parents[1] / "tlo.yaml"
_COLUMNS = {"id": "batch", "made_at": "exported", "made_by": "by", "written_at": "file complete", "lease_until": "out until",
            "out": "out", "answered": "answered", "to_merge": "to merge", "expired": "expired", "cents": "cents"}  # fmt: skip


@app.command()
def export(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", parser=inputs.file_to_write, help="Write the persons into this new file."
        ),
    ],
    most: Annotated[int, typer.Option(min=1, max=1_000_000, help="So many leads at the most.")] = 1_000,
    again: Annotated[
        UUID | None,
        typer.Option(metavar="ID", parser=inputs.uuid, help="Write this batch's file again, for what is still out."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write a CSV of the leads that nobody else could complete. They are out until imported, or until their lease ends.

    Which leads: SKIPTRACE_WANTS, _ASKS, _MAX_CENTS and the providers' settings decide, as the service has them.
    """
    desk, settings = _permitted()
    if out.exists():
        raise RefusedError(f"{out} exists already.", "Name another file; none is overwritten.")
    if not out.parent.is_dir():
        raise UsageError(f"There is no directory {out.parent}.", "Nobody was exported. Make it, or name another file.")
    told = asyncio.run(_export(desk, settings, out, most, again))
    if as_json:
        print_json(told)
    elif not told["leads"]:
        say("Nobody is to be exported.")
        show_fields(told["passed_over"], as_json=False)
    else:
        show_fields(told, as_json=False)
        say(
            f"Run {out} at TLO, then: equity tlo import ITS_OUTPUT. The file holds personal data: delete it afterwards."
        )


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", parser=inputs.file_to_read, help="What TLO gave: CSV.")],
    mapping: Annotated[
        Path, typer.Option(metavar="FILE", parser=inputs.file_to_read, help="Which column holds what: docs/tlo.md.")
    ] = SHIPPED,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Store it; without, only say what is found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read TLO's output and store it as the answer about each lead. The service merges it and has the values verified.

    The same file again changes nothing; a file with a part of the rows is fine.
    """
    desk, settings = _permitted()
    told = asyncio.run(_import(desk, settings, file, _mapping(mapping), yes=yes))
    show_fields(told, as_json=as_json)
    if told["stored"] and not told["written"]:
        say("Nothing was changed. To store it: the same command with --yes.")
    elif told["stored"]:
        say(f"skiptrace merges it within a minute: `equity tlo batches`. {file} holds personal data: delete it.")
    else:
        say("There is nothing to store: no row answers a lead that is out.")


@app.command()
def batches(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The latest so many.")] = 20, *, as_json: AsJson = False
) -> None:
    """List the files exported so far, and how their leads stand."""
    desk, settings = _permitted()

    async def find() -> list[dict[str, Any]]:
        async with desk.open_exchange(settings) as one:
            found: list[dict[str, Any]] = await one.list_batches(limit)
            return found

    show_rows(asyncio.run(find()), _COLUMNS, as_json=as_json, empty="Nothing was exported yet.")


def _permitted() -> tuple[Any, Any]:
    """The service's part of it and its settings. Raises RefusedError, with the warning, unless somebody answers for it."""
    desk, settings = module("skiptrace", "file_batches.tlo_exchange"), administered("skiptrace")
    if missing := desk.list_missing_permissions(settings):
        say(desk.WARNING)
        raise RefusedError(
            "TLO is off: nobody has said for which permissible purpose it is used.",
            f"Set {', '.join(missing)}; docs/tlo.md says what they mean.",
        )
    return desk, settings


async def _export(desk: Any, settings: Any, out: Path, most: int, again: UUID | None) -> dict[str, Any]:
    async with desk.open_exchange(settings) as one:
        if again:
            leads = await _write(one, desk.EXPORT_HEADER, again, out)
            return {"batch": again, "leads": leads, "file": out, "passed_over": {}}
        if not one.online:
            raise UsageError(
                "No provider that is asked online has a key here.",
                "Run it with skiptrace's settings (MELISSA_LICENSE_KEY, ...): they have their turn first, and verify.",
            )
        with progress.of_rows("leads") as bar:
            handed = await one.export_leads(most, getuser(), lambda done: bar.reach(done, most))
        told = {"passed_over": dict(+handed.excluded), "leads": handed.leads}
        if not handed.leads:
            return told
        try:
            await _write(one, desk.EXPORT_HEADER, handed.batch_id, out)
        except BaseException:
            say(f"{handed.leads:,} leads are out, but their file is not complete. Write it again:")
            say(f"  equity tlo export --again {handed.batch_id} --out ANOTHER_FILE")
            raise
        until = {"dollars_at_most": handed.cents_at_most / 100, "out_for_days": settings.tlo_lease_days}
        return {"batch": handed.batch_id, "file": out, **told, **until}


async def _write(one: Any, header: tuple[str, ...], batch: UUID, out: Path) -> int:
    """Write the file of *batch*; how many rows. Raises RefusedError where nothing of it is out."""
    rows = 0
    with new_private(out) as text:
        writer = csv.writer(text)
        writer.writerow(header)
        async for row in one.exporter.read_rows(batch):
            writer.writerow(row)
            rows += 1
        if not rows:
            raise RefusedError(f"Nothing of batch {batch} is out.", "`equity tlo batches` shows how batches stand.")
    await one.exporter.mark_written(batch)
    return rows


async def _import(desk: Any, settings: Any, file: Path, mapping: dict[str, Any], *, yes: bool) -> dict[str, Any]:
    async with desk.open_exchange(settings) as one:
        with progress.of_bytes("read", (await asyncio.to_thread(file.stat)).st_size) as bar:
            try:
                taken = await one.import_file(file, mapping, bar.reach, write=yes)
            except NotCsvError as error:
                raise UsageError(f"{file} cannot be read as CSV.", error.detail) from error
            except ValidationError as error:
                faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
                raise UsageError(f"The mapping is not right: {'; '.join(faults[:3])}.", _ADVICE) from error
            except desk.BadMappingError as error:
                raise UsageError(f"The mapping does not fit {file}: {error}.", _ADVICE) from error
    verdicts = {verdict.value: taken.rows[verdict] for verdict in desk.RowOutcome}
    return {
        "written": yes, "encoding": taken.encoding, "phone_columns": taken.phone_columns,
        "email_columns": taken.email_columns, "columns_not_found": list(taken.missing_columns),
        "rows": sum(verdicts.values()), **verdicts, "with_an_answer": taken.matched, "bad_phones": taken.bad_phones,
        "bad_emails": taken.bad_emails,
    }  # fmt: skip


_ADVICE = "Say with --mapping which column holds what; docs/tlo.md has an example."


def _mapping(path: Path) -> dict[str, Any]:
    """The mapping file, every cell as text: YAML would take `Yes` for true and `1` for a number."""
    try:
        read = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but text
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read.", _ADVICE) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no YAML.", _ADVICE) from error
    if not isinstance(read, dict):
        raise UsageError(f"{path} is no mapping.", _ADVICE)
    return read
