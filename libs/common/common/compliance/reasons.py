"""Reasons for which the gate refuses: the codes in `contact_decisions`. docs/gate.md says when each is given."""

from enum import StrEnum


class ContactReason(StrEnum):
    """Reasons of refusal, in the order in which the gate checks and reports. Each is permanent unless it is in `TEMPORARY_REASONS`."""

    CHANNEL_UNKNOWN = "channel_unknown"
    PURPOSE_UNKNOWN = "purpose_unknown"
    VALUE_HASH_UNKNOWN = "value_hash_unknown"
    SUPPRESSED_UNKNOWN = "suppressed_unknown"
    SUPPRESSED = "suppressed"
    STATUS_UNKNOWN = "status_unknown"
    STATUS_NEW = "status_new"
    STATUS_PAUSED = "status_paused"
    STATUS_BOUNCED = "status_bounced"
    STATUS_UNSUBSCRIBED = "status_unsubscribed"
    STATUS_DO_NOT_CONTACT = "status_do_not_contact"
    STATUS_CONVERTED = "status_converted"
    DECEASED_UNKNOWN = "deceased_unknown"
    DECEASED = "deceased"
    LITIGATOR_UNKNOWN = "litigator_unknown"
    LITIGATOR = "litigator"
    LEGAL_ENTITY_UNKNOWN = "legal_entity_unknown"
    LEGAL_ENTITY = "legal_entity"
    VERIFIED_UNKNOWN = "verified_unknown"
    UNVERIFIED = "unverified"
    DUPLICATE_UNKNOWN = "duplicate_unknown"
    DUPLICATE = "duplicate"
    DECIDED_ON_CALLS_UNKNOWN = "decided_on_calls_unknown"
    DECIDED_ON_CALLS = "decided_on_calls"
    OTHER_PERSON_UNKNOWN = "other_person_unknown"
    OTHER_PERSON = "other_person"
    SELLER_UNKNOWN = "seller_unknown"
    CONSENTS_UNKNOWN = "consents_unknown"
    WITHDRAWALS_UNKNOWN = "withdrawals_unknown"
    OWNER_CHANGES_UNKNOWN = "owner_changes_unknown"
    NO_CONSENT = "no_consent"
    CONSENT_FOR_OTHER_NUMBER = "consent_for_other_number"
    CONSENT_FOR_OTHER_SELLER = "consent_for_other_seller"
    CONSENT_WITHOUT_CALLS = "consent_without_calls"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_OF_FORMER_OWNER = "consent_of_former_owner"
    CONSENT_TOO_OLD = "consent_too_old"
    OPEN_STATES_UNKNOWN = "open_states_unknown"
    REGISTERED_STATES_UNKNOWN = "registered_states_unknown"
    STATE_WANTS_HUMAN_FIRST = "state_wants_human_first"
    STATE_NOT_OPEN = "state_not_open"
    REGISTRATION_MISSING = "registration_missing"
    NUMBER_REASSIGNED = "number_reassigned"
    REASSIGNED_UNKNOWN = "reassigned_unknown"
    DNC_UNKNOWN = "dnc_unknown"
    DNC_CHECKED_AT_UNKNOWN = "dnc_checked_at_unknown"
    ON_DNC_LIST = "on_dnc_list"
    DNC_CHECK_TOO_OLD = "dnc_check_too_old"
    ATTEMPTS_UNKNOWN = "attempts_unknown"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    ATTEMPTS_IN_24_HOURS = "attempts_in_24_hours"
    BROKER_LIMIT_UNKNOWN = "broker_limit_unknown"
    BROKER_USED_TODAY_UNKNOWN = "broker_used_today_unknown"
    BROKER_LIMIT_REACHED = "broker_limit_reached"
    BROKER_HOURLY_LIMIT_UNKNOWN = "broker_hourly_limit_unknown"
    BROKER_CALLS_UNKNOWN = "broker_calls_unknown"
    BROKER_HOURLY_LIMIT_REACHED = "broker_hourly_limit_reached"
    NUMBER_PLACES_UNKNOWN = "number_places_unknown"
    PROPERTY_PLACES_UNKNOWN = "property_places_unknown"
    MAILING_PLACES_UNKNOWN = "mailing_places_unknown"
    OUTSIDE_CALLING_HOURS = "outside_calling_hours"


TEMPORARY_REASONS = frozenset(
    {
        ContactReason.ATTEMPTS_IN_24_HOURS,
        ContactReason.BROKER_LIMIT_REACHED,
        ContactReason.BROKER_HOURLY_LIMIT_REACHED,
        ContactReason.OUTSIDE_CALLING_HOURS,
    }
)
"""Reasons that end with time. A decision that has no other reasons says when to try again."""
