"""`equity consent prove`: everything about the consents of one lead, for a dispute."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.commands.leads.access import LoggedAccess, load_reveal_keys
from cli.shell import inputs
from cli.shell.database import OPERATOR, Connection, connect, service_dsn
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_json, print_message
from common.ids import LeadId
from common.pii.keyring import Keyring
from consent import command_queries as queries
from consent.commands.proofs import LeadArgument, read_chains, verify_chains
from consent.proof import ConsentProof, ProofFacts, build_proof
from consent.proof_lines import write_lines

PDF_ADVICE = "Name another file; none is overwritten."


def prove_consent(
    lead: LeadArgument,
    pdf: Annotated[Path | None, typer.Option("--pdf", metavar="FILE", help="Write a PDF into this new file.")] = None,
    purpose: Annotated[
        str, typer.Option("--purpose", metavar="TEXT", parser=inputs.parse_note, help="Why; kept in the access log.")
    ] = "proof of consent",
    *,
    as_json: AsJson = False,
) -> None:
    """Prove who agreed to what, word for word as shown, when, from where, for which number, and what followed.

    It opens personal data, so the access is logged with its purpose. The exit code is 1 if the chain of proof is damaged.
    """
    if pdf and pdf.exists():
        raise CommandRefusedError(f"{pdf} exists already.", PDF_ADVICE)
    proof = asyncio.run(_read_proof(LeadId(lead), purpose))
    lines = write_lines(proof)
    if pdf:
        _write_pdf(pdf, lines)
        print_message(f"Wrote {pdf}. It has personal data: send it to no one but the parties of the dispute.")
    if as_json:
        print_json(proof)
    elif not pdf:
        typer.echo("\n".join(line.plain for line in lines))
    raise typer.Exit(0 if proof.is_intact else 1)


def _write_pdf(file: Path, lines: Any) -> None:
    from consent.proof_pdf import render_pdf  # noqa: PLC0415 - slow to import

    try:
        descriptor = file.open("xb")
    except FileExistsError as error:
        raise CommandRefusedError(f"{file} exists already.", PDF_ADVICE) from error
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
    with descriptor:
        file.chmod(0o600)
        descriptor.write(render_pdf(lines))


async def _read_proof(lead_id: LeadId, purpose: str) -> ConsentProof:
    keyring = load_reveal_keys()
    async with connect(service_dsn(OPERATOR)) as connection:
        if not await queries.has_lead(connection, lead_id=lead_id):
            raise UsageError(f"There is no lead {lead_id}.", "Find it: equity leads find")
        access = LoggedAccess("consent prove", purpose, 1, lead_ids=[lead_id], reveals=True)
        access_id = await access.log(connection)
        return build_proof(await _read_facts(connection, keyring, access_id, lead_id))


async def _read_facts(connection: Connection, keyring: Keyring, access_id: int, lead_id: LeadId) -> ProofFacts:
    chains = await read_chains(connection, [lead_id])
    rows = chains[lead_id]
    brokers: Mapping[UUID, str] = {
        broker.id: broker.legal_name or broker.name
        for broker in await queries.find_broker_names(
            connection, broker_ids=[row.broker_id for row in rows if row.broker_id]
        )
    }
    hashes = sorted({row.value_hash for row in rows if row.value_hash})
    return ProofFacts(
        lead_id=lead_id,
        rows=rows,
        sellers=brokers,
        encrypted=await queries.open_proof(connection, access_id=access_id, lead_id=lead_id),
        keyring=keyring,
        suppressions=await queries.list_suppressions_of(connection, value_hashes=hashes),
        decisions=await queries.list_contacts_of(connection, lead_id=lead_id),
        faults=await verify_chains(connection, chains),
    )
