"""Bulk add: who is taken, and how those who are not are counted (contracts §1.3; OpenAPI `bulkAddLeads`)."""

import re
from collections import Counter
from typing import Any

from sandbox.vendor import Call
from sandbox.vendors.instantly.requests import AddLeads, LeadFields, SkipFlags
from sandbox.vendors.instantly.workspace import Workspace

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
COUNTS = (
    "in_blocklist",
    "duplicated_leads",
    "skipped_count",
    "invalid_email_count",
    "incomplete_count",
    "duplicate_email_count",
)


def add_leads(call: Call, workspace: Workspace, wanted: AddLeads) -> dict[str, Any]:
    """Add those that can be added; `created_leads[].index` says which they are."""
    counts: Counter[str] = Counter()
    created = []
    seen: set[str] = set()
    for index, fields in enumerate(wanted.leads):
        reason = _refusal(call, workspace, wanted, fields, seen)
        seen.add((fields.email or "").lower())
        if reason:
            counts[reason] += 1
            continue
        lead = workspace.add_lead(fields, campaign=wanted.campaign_id, list_id=wanted.list_id)
        created.append(
            {"index": index, **{name: lead[name] for name in ("id", "email", "first_name", "last_name", "phone")}}
        )
    return {
        "status": "success",
        "total_sent": len(wanted.leads),
        "leads_uploaded": len(created),
        "blocklist_used": next(iter(workspace.blocked.values()))["id"] if workspace.blocked else None,
        **{name: counts[name] for name in COUNTS},
        "remaining_in_plan": workspace.plan_leads - workspace.uploaded if wanted.campaign_id else None,
        "created_leads": created,
    }


def _refusal(call: Call, workspace: Workspace, wanted: AddLeads, fields: LeadFields, seen: set[str]) -> str | None:
    """The count under which a lead that is not added falls."""
    email = (fields.email or "").lower()
    said = fields.model_dump(exclude_unset=True)
    place = wanted.campaign_id or wanted.list_id or ""
    is_valid = bool(_EMAIL.fullmatch(email)) or not (email or wanted.campaign_id)
    reasons = (
        ("incomplete_count", wanted.list_id and not (email or fields.first_name or fields.last_name)),
        ("invalid_email_count", not is_valid or call.hits("partial", said)),
        ("duplicate_email_count", email and email in seen),
        ("in_blocklist", workspace.is_blocked(email) or call.hits("blocklisted", said)),
        ("skipped_count", is_skipped(workspace, wanted, email)),
        ("duplicated_leads", workspace.lead_in(email, place)),
    )
    return next((name for name, applies in reasons if applies), None)


def is_skipped(workspace: Workspace, flags: SkipFlags, email: str) -> bool:
    """Whether a flag leaves the email out. `skip_if_in_campaign` means any campaign of the workspace."""
    everywhere = flags.skip_if_in_workspace
    return workspace.is_in_any(
        email, campaigns=everywhere or flags.skip_if_in_campaign, lists=everywhere or flags.skip_if_in_list
    )
