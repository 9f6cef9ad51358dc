"""Facts about the owner of record that the gate asks for, read from the columns of a lead."""

from dataclasses import dataclass
from typing import Protocol

from common.pii.owner_names import read_owner_names


class OwnerColumns(Protocol):
    """Names of the owner, and the stamps of the company's and the person's name."""

    @property
    def owner_first_name(self) -> str | None:
        """First name."""

    @property
    def owner_last_name(self) -> str | None:
        """Last name."""

    @property
    def owner2_first_name(self) -> str | None:
        """First name of the second owner."""

    @property
    def owner2_last_name(self) -> str | None:
        """Last name of the second owner."""

    @property
    def company_name(self) -> str | None:
        """Name of a company that is or was the owner."""

    @property
    def company_seen(self) -> int | None:
        """Stamp of the company's name."""

    @property
    def person_seen(self) -> int | None:
        """Stamp of the person's name."""


@dataclass(frozen=True, slots=True)
class OwnerNameFacts:
    """Facts that the names of an owner give."""

    do_not_contact: bool
    deceased: bool
    legal_entity: bool
    """The owner is a legal entity, or a company was seen as the owner later than the person: the home was sold to it."""


def read_owner_facts(columns: OwnerColumns) -> OwnerNameFacts:
    """Return the facts that the names of *columns* give (ADR 26)."""
    owner = read_owner_names(
        {
            "owner_first_name": columns.owner_first_name,
            "owner_last_name": columns.owner_last_name,
            "owner2_first_name": columns.owner2_first_name,
            "owner2_last_name": columns.owner2_last_name,
            "company_name": columns.company_name,
        }
    )
    is_sold = bool(owner.names["company_name"]) and (columns.company_seen or 0) > (columns.person_seen or 0)
    return OwnerNameFacts(owner.do_not_contact, owner.deceased, owner.legal_entity or is_sold)
