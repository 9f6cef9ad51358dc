"""Opening of a state for calls of a broker, as the legal rules allow it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from cli.commands.states import queries
from cli.commands.states.queries import OpenState
from cli.shell.database import Connection
from cli.shell.errors import CommandRefusedError, UsageError
from common.compliance.legal_rules import legal_rules
from common.compliance.rule_kinds import EVERYWHERE, HumanFirstRule, RegistrationRule
from common.compliance.rule_texts import describe_value
from common.ids import BrokerId


@dataclass(frozen=True, slots=True)
class StateDocuments:
    """Documents with which a broker calls into a state: a licence, and a registration or an exemption from it."""

    licence: str
    registration: str | None = None
    exemption: str | None = None

    def is_same(self, row: OpenState) -> bool:
        """Return whether *row* has these documents."""
        return self == StateDocuments(row.licence, row.registration, row.exemption)


def check_may_open(state: str, documents: StateDocuments, today: date) -> None:
    """Raise UsageError or CommandRefusedError if the rules of *state* do not allow calls with these documents."""
    if documents.registration and documents.exemption:
        raise UsageError("A broker is registered or exempt, not both.", "Give --registration or --exemption.")
    law = legal_rules().law_of(state, today)
    for rule in law.rules:
        match rule:
            case HumanFirstRule():
                raise CommandRefusedError(
                    f"{state} cannot be opened: a natural voice must begin each call there ({rule.source}).",
                    "Leads there can be offered a booking, never a call by an artificial voice.",
                )
            case RegistrationRule() if not (documents.registration or documents.exemption):
                raise CommandRefusedError(
                    f"{state} asks sellers to be registered: {rule.value} ({rule.source}).",
                    "Give --registration with its number, or --exemption with its reason and source.",
                )


async def open_state(
    connection: Connection, broker_id: BrokerId, state: str, documents: StateDocuments, opened_by: str
) -> bool:
    """Open *state* for a broker; return False where it is open already with the same documents.

    Raises CommandRefusedError where it is open with others: they are evidence, and are never overwritten.
    """
    opened = await queries.open_state(
        connection,
        broker_id=broker_id,
        state=state,
        licence=documents.licence,
        registration=documents.registration,
        exemption=documents.exemption,
        opened_by=opened_by,
    )
    if opened is None and not await is_open_with(connection, broker_id, state, documents):
        raise CommandRefusedError(f"{state} was closed at the same time.", "Run the command again.")
    return opened is not None


async def is_open_with(connection: Connection, broker_id: BrokerId, state: str, documents: StateDocuments) -> bool:
    """Return whether *state* is open with the same documents. Raises CommandRefusedError where it is open with others."""
    row = await queries.find_open_state(connection, broker_id=broker_id, state=state)
    if row and not documents.is_same(row):
        shown = "; ".join(f"{name} {text!r}" for name, text in _list_documents(row))
        raise CommandRefusedError(
            f"{state} is open already, with {shown}.",
            f"To change that, close it and open it again: equity states close BROKER {state} --reason 'new documents'",
        )
    return row is not None


def _list_documents(row: OpenState) -> Iterator[tuple[str, str]]:
    for name, text in (("licence", row.licence), ("registration", row.registration), ("exemption", row.exemption)):
        if text:
            yield name, text


def list_demands(state: str, today: date) -> list[str]:
    """Return what the rules of *state* ask beyond those of all states."""
    law = legal_rules().law_of(state, today)
    return [f"{rule.kind.replace('_', ' ')}: {describe_value(rule)}" for rule in law.rules if rule.states != EVERYWHERE]


def find_problem(state: str, documents: StateDocuments, today: date) -> str | None:
    """Return why an open state may not be called any more: a law that came into force after it was opened. Else None."""
    try:
        check_may_open(state, documents, today)
    except (UsageError, CommandRefusedError) as error:
        return error.problem
    return None
