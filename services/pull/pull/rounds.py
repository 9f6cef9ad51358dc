"""Saved searches, and their rounds: a round reads the results of a search once, from the first page to the last."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from common.ids import BrokerId, RoundId, SearchId
from pull.result_page import PagePosition


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A row of `pipeline.saved_searches`. A daily budget of None means no limit."""

    id: SearchId
    name: str
    criteria: dict[str, Any]
    broker_id: BrokerId | None
    every_days: int
    """Days from the start of one round to the start of the next."""
    daily_records: int | None
    daily_cents: Decimal | None
    product: str | None
    """Product whose minimum age the criteria name, with the reason; None where they do not select by age."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class SearchRound:
    """A round that this process holds by a lease; a row of `pipeline.pull_rounds`."""

    id: RoundId
    search: SavedSearch
    lease_holder: UUID
    """Fencing token of the lease: statements for another holder change no row."""
    position: PagePosition


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page request whose intent is committed and whose cost is reserved, so that it may be sent."""

    search_round: SearchRound
    day: date
    """Local day whose budget pays."""
    skip: int
    take: int
    reserved_cents: Decimal
