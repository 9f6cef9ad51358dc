"""Feed chunk: the leads that one transaction feeds and skips for one broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from common.ids import CampaignId, LeadId
from feeder.daily_feed.campaign_assignment import assign_campaign
from feeder.daily_feed.eligibility import EligibilityResult
from feeder.daily_feed.queries import CandidateFacts

NO_VERIFIED_EMAIL = "no_verified_email"
"""Skip reason of a lead that has lost its verified address since the snapshot."""


@dataclass(frozen=True, slots=True)
class FedLead:
    """A lead that takes a slot for the campaign, with the facts on which it is fed."""

    campaign_id: CampaignId
    facts: CandidateFacts

    @property
    def lead_id(self) -> LeadId:
        """The lead."""
        return self.facts.id

    @property
    def value_hash(self) -> bytes:
        """Hash of the address to add."""
        return self.facts.value_hash


@dataclass(frozen=True, slots=True)
class FeedChunk:
    """Result of one chunk. *stop_reason* is None where the next chunk may feed more leads."""

    fed: Sequence[FedLead] = ()
    skipped: Mapping[LeadId, str] = field(default_factory=dict)
    """Skip reason by lead, in feed order."""
    no_longer_queued: frozenset[LeadId] = frozenset()
    """Candidates that have left the queue since the snapshot. The next chunk must exclude them."""
    stop_reason: str | None = None

    @property
    def fed_addresses(self) -> frozenset[bytes]:
        """Hashes of the addresses of the fed leads."""
        return frozenset(lead.value_hash for lead in self.fed)

    @property
    def lead_ids(self) -> frozenset[LeadId]:
        """All leads that this chunk decided about."""
        return frozenset({lead.lead_id for lead in self.fed}) | self.skipped.keys() | self.no_longer_queued


@dataclass(frozen=True, slots=True)
class EarlierChunks:
    """Results of the day's earlier chunks that the database does not show.

    A feed passes only the leads to exclude. A preview writes nothing, so it passes everything that it chose.
    """

    lead_ids: frozenset[LeadId] = frozenset()
    addresses: frozenset[bytes] = frozenset()
    fed_count: int = 0


def build_chunk(
    candidates: Sequence[LeadId],
    addresses: Mapping[LeadId, bytes | None],
    results: Sequence[EligibilityResult],
    campaign_ids: Sequence[CampaignId],
) -> FeedChunk:
    """Combine *candidates* (in feed order), the *addresses* of those still queued, and the gate's *results*.

    A candidate without a result is neither fed nor skipped: another transaction holds its row, or the limit was reached.
    """
    fed, reasons = list[FedLead](), dict[LeadId, str]()
    for result in results:
        contact = result.contact
        if result.skip_reason:
            reasons[contact.lead_id] = result.skip_reason
        else:
            campaign_id = assign_campaign(contact.lead_id, campaign_ids)
            fed.append(FedLead(campaign_id, result.facts))
    reasons |= {lead_id: NO_VERIFIED_EMAIL for lead_id, value_hash in addresses.items() if not value_hash}
    skipped = {lead_id: reasons[lead_id] for lead_id in candidates if lead_id in reasons}
    no_longer_queued = frozenset(candidates) - addresses.keys()
    is_empty = not (fed or skipped or no_longer_queued)
    return FeedChunk(fed, skipped, no_longer_queued, "all_locked" if is_empty else None)
