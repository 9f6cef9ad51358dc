"""The group `equity consent`."""

from cli.shell.app import new_app
from cli.shell.database import connect, service_dsn
from consent.commands.proofs import show_proof, verify_proofs
from consent.commands.prove import prove_consent
from consent.commands.texts import publish_default_text, texts
from consent.commands.withdraw import withdraw_consent

app = new_app(
    "Consents: texts, what a person signed and withdrew, and whether the proof is intact.",
    panel="Leads",
    summary="Consents: texts, proof, withdrawal.",
    order=60,
)

app.command("show")(show_proof)
app.command("verify")(verify_proofs)
app.command("prove")(prove_consent)
app.command("withdraw")(withdraw_consent)
app.add_typer(texts, name="texts")


async def publish_consent_text() -> int:
    """Publish the shipped text where none is published, for the demo. Return the current version."""
    async with connect(service_dsn("consent")) as connection, connection.transaction():
        return await publish_default_text(connection)
