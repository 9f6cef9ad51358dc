"""`equity leads list`: leads that a filter matches, page by page."""

from typing import Annotated
from uuid import UUID

import typer

from cli.commands.leads import queries
from cli.commands.leads.filters import (
    BrokerOption,
    CountyOption,
    CreatedOption,
    LeadFilter,
    MaxScoreOption,
    MinScoreOption,
    SourceOption,
    StateOption,
    StatusOption,
    UpdatedOption,
    UploadOption,
    check_filter,
    iterate_lead_ids,
)
from cli.commands.leads.find import FIRST_COLUMNS, LEAD_COLUMNS
from cli.commands.leads.queries import LeadSummary
from cli.shell import inputs
from cli.shell.database import OPERATOR, Connection, run_in_transaction
from cli.shell.output import AsJson, print_json, print_message, print_rows
from common.ids import LeadId


def list_leads(
    status: StatusOption = None,
    broker: BrokerOption = None,
    state: StateOption = None,
    county: CountyOption = None,
    min_score: MinScoreOption = None,
    max_score: MaxScoreOption = None,
    created_since: CreatedOption = None,
    updated_since: UpdatedOption = None,
    source: SourceOption = None,
    upload: UploadOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of leads on a page.")] = 50,
    after: Annotated[
        UUID | None,
        typer.Option(metavar="CURSOR", parser=inputs.parse_uuid, help="Continue after this lead, the last of a page."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List leads, the newest first. All conditions hold together."""
    wanted = check_filter(
        LeadFilter(
            tuple(status) if status else None, broker, state, county, min_score, max_score, created_since,
            updated_since, source, upload,
        )
    )  # fmt: skip

    async def work(connection: Connection) -> list[LeadSummary]:
        before = LeadId(after) if after else None
        pages = iterate_lead_ids(connection, wanted, before=before, page_size=limit + 1)
        page = await anext(pages, list[LeadId]())
        return await queries.summarize_leads(connection, lead_ids=page)

    found = run_in_transaction(work, service=OPERATOR)
    rows, cursor = found[:limit], found[limit - 1].id if len(found) > limit else None
    if as_json:
        print_json({"leads": rows, "next_cursor": cursor})
        return
    print_rows(rows, LEAD_COLUMNS, as_json=False, empty="No lead matches.", first=FIRST_COLUMNS)
    if cursor:
        print_message(f"There are more. The next page: the same command with --after {cursor}")
