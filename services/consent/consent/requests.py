"""Link and fields of a request, whatever its sender wrote."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from aiohttp import web
from multidict import MultiDict, MultiDictProxy, MultiMapping

from common.compliance.links import read_lead_link
from common.ids import LeadId
from common.web.problems import ProblemError
from common.web.request_body import receive_within


def read_link(request: web.Request, secrets: Iterable[bytes]) -> LeadId | None:
    """Return the lead of `?l=`; None if none of *secrets* signed it."""
    token = request.query.get("l", "")
    found: list[UUID | None] = [read_lead_link(token, secret) for secret in secrets]
    return next((LeadId(lead_id) for lead_id in found if lead_id), None)


async def receive_form(request: web.Request, seconds: float) -> MultiMapping[Any]:
    """Return the fields of a form in either encoding; none for a form that cannot be read within *seconds*."""
    try:
        async with receive_within(seconds):
            return await request.post()
    except (ProblemError, ValueError, LookupError, AssertionError, web.HTTPException):
        return MultiDictProxy(MultiDict())
