"""Email campaigns: made of a file, brought to Instantly by the feeder."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli import campaigns, inputs
from cli.database import Connection, Row, all_rows, in_transaction, queries, select
from cli.durations import seconds
from cli.errors import CliError, UsageError
from cli.lazy import new_app
from cli.output import AsJson, done, say, show_rows
from cli.settings import CliSettings

app = new_app("Email campaigns: one for each broker and persona, made of a file.")

_COLUMNS = {"broker": "broker", "name": "campaign", "active": "active", "state": "at Instantly", "members": "members",
            "leaving": "leaving", "waiting": "waiting", "problem": "problem"}  # fmt: skip


@app.command()
def sync(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", parser=inputs.file_to_read, help="Default: the file that is shipped.")
    ] = campaigns.SHIPPED,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", parser=seconds, help="Seconds to wait until Instantly has them.")
    ] = 0,
    *,
    check: Annotated[bool, typer.Option("--check", help="Only read the file and say whether it is right.")] = False,
    retire: Annotated[bool, typer.Option("--retire", help="Pause campaigns that are no longer in the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the campaigns as the file says, and update those that differ. The feeder brings them to Instantly."""
    read = campaigns.load(file)
    if silent := campaigns.without_senders(read):
        say(
            f"WARNING: no account sends for {len(silent)} campaigns, the first is {silent[0]!r}: leads are added, and Instantly "
            "sends them nothing. Set `senders` of the personas or of the campaign; see docs/adding-a-campaign.md."
        )
    if blanks := read.without_fallback():
        named = ", ".join(f"{{{{{name}}}}}" for name in blanks)
        say(f"WARNING: {named} stay empty for leads without a value. Give a fallback: {{{{{blanks[0]}|text}}}}.")
    if check:
        steps = sum(len(sequence) for sequence in read.sequences.values())
        counts = {"personas": len(read.personas), "emails": steps, "campaigns": len(read.campaigns)}
        done(f"{file.name} is right: {counts['personas']} personas, {steps} emails.", counts, as_json=as_json)
        return
    address = (CliSettings().postal_address or "").strip()
    if not address:
        raise UsageError(
            "POSTAL_ADDRESS is not set.", "Every email carries the sender's postal address: the law wants it."
        )

    async def write(connection: Connection) -> dict[str, int]:
        brokers = {row["name"]: row["id"] for row in await all_rows(queries.list_brokers(connection, all=False))}
        return await put(connection, read, campaigns.rows(read, address, brokers), retire=retire)

    counts = in_transaction(write)
    if wait:
        _wait(wait)
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    done(f"Campaigns: {told}.", counts, as_json=as_json)
    if counts["kept"]:
        say(f"{counts['kept']} campaigns go on that are not in the file. `--retire` pauses them.")
    if not wait:
        say("The feeder brings them to Instantly: `equity campaigns list` shows how far it is.")


@app.command("list")
def list_campaigns(*, as_json: AsJson = False) -> None:
    """List campaigns, whether Instantly has them as they should be, and how many leads are in each."""
    rows = select(queries.list_campaigns)
    show_rows(rows, _COLUMNS, as_json=as_json, empty="No campaigns yet. Make them: equity campaigns sync")


async def put(
    connection: Connection, read: campaigns.CampaignFile, wanted: Sequence[Row], *, retire: bool = False
) -> dict[str, int]:
    """Write the personas of *read* and the *wanted* campaigns; how many were created, updated, unchanged, retired and kept.

    *kept* go on though they are not wanted, because nobody asked to retire them.
    """
    for persona in read.personas:
        profile = persona.model_dump(mode="json", exclude={"id", "name"})
        await queries.put_persona(connection, id=persona.id, name=persona.name, profile=profile)
    results = [await queries.put_campaign(connection, **row) for row in wanted]
    named = {"broker_ids": [row["broker_id"] for row in wanted], "names": [row["name"] for row in wanted]}
    besides = [row["id"] for row in await all_rows(queries.campaigns_besides(connection, **named))]
    if retire:
        await queries.retire_campaigns(connection, ids=besides)
    await queries.forget_gone_campaigns(connection)
    return {
        "created": results.count("created"),
        "updated": results.count("updated"),
        "unchanged": results.count(None),
        "retired": len(besides) if retire else 0,
        "kept": 0 if retire else len(besides),
    }


def _wait(seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while behind := [row for row in select(queries.list_campaigns) if row["state"] == "due"]:
        if time.monotonic() > give_up:
            raise CliError(
                f"{len(behind)} campaigns are not at Instantly yet.",
                "Is the feeder running, and INSTANTLY_API_KEY set there? `equity campaigns list` shows what is wrong.",
            )
        time.sleep(0.5)
