"""Bulk add: the leads that are created, and the counts of those that are not (OpenAPI 2.0.0, `bulkAddLeads`)."""

import re
from collections import Counter
from typing import Any

from sandbox.vendor_server import VendorCall
from sandbox.vendors.instantly.requests import AddLeadsRequest, LeadFields, SkipFlags
from sandbox.vendors.instantly.workspace import InstantlyWorkspace

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
REFUSAL_COUNTS = (
    "in_blocklist",
    "duplicated_leads",
    "skipped_count",
    "invalid_email_count",
    "incomplete_count",
    "duplicate_email_count",
)
"""Fields of the response, each with the number of leads that were not created for one reason."""


def add_leads(call: VendorCall, workspace: InstantlyWorkspace, request: AddLeadsRequest) -> dict[str, Any]:
    """Create the leads that can be created. Return the response; `created_leads[].index` says which ones they are."""
    counts: Counter[str] = Counter()
    created = []
    seen_emails: set[str] = set()
    for index, fields in enumerate(request.leads):
        reason = _refusal_reason(call, workspace, request, fields, seen_emails)
        seen_emails.add((fields.email or "").lower())
        if reason:
            counts[reason] += 1
            continue
        lead = workspace.add_lead(fields, campaign=request.campaign_id, list_id=request.list_id)
        shown = {name: lead[name] for name in ("id", "email", "first_name", "last_name", "phone")}
        created.append({"index": index, **shown})
    return {
        "status": "success",
        "total_sent": len(request.leads),
        "leads_uploaded": len(created),
        "blocklist_used": next(iter(workspace.blocked.values()))["id"] if workspace.blocked else None,
        **{name: counts[name] for name in REFUSAL_COUNTS},
        "remaining_in_plan": workspace.plan_leads - workspace.uploaded if request.campaign_id else None,
        "created_leads": created,
    }


def _refusal_reason(
    call: VendorCall,
    workspace: InstantlyWorkspace,
    request: AddLeadsRequest,
    fields: LeadFields,
    seen_emails: set[str],
) -> str | None:
    """Return the count in which a lead that is not created appears, or None for a lead to create."""
    email = (fields.email or "").lower()
    given = fields.model_dump(exclude_unset=True)
    place = request.campaign_id or request.list_id or ""
    is_valid = bool(_EMAIL.fullmatch(email)) or not (email or request.campaign_id)
    reasons = (
        ("incomplete_count", request.list_id and not (email or fields.first_name or fields.last_name)),
        ("invalid_email_count", not is_valid or call.is_record_hit("partial", given)),
        ("duplicate_email_count", email and email in seen_emails),
        ("in_blocklist", workspace.is_blocked(email) or call.is_record_hit("blocklisted", given)),
        ("skipped_count", is_skipped(workspace, request, email)),
        ("duplicated_leads", workspace.find_lead(email, place)),
    )
    return next((name for name, applies in reasons if applies), None)


def is_skipped(workspace: InstantlyWorkspace, flags: SkipFlags, email: str) -> bool:
    """Return whether a flag excludes the email. `skip_if_in_campaign` means any campaign of the workspace."""
    anywhere = flags.skip_if_in_workspace
    return workspace.is_member(
        email, campaigns=anywhere or flags.skip_if_in_campaign, lists=anywhere or flags.skip_if_in_list
    )
