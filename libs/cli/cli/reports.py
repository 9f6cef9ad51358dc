"""An upload's report: what was received and what became of it."""

from dataclasses import dataclass
from typing import Any

from cli.output import console, print_json, say, show_fields, table

VERDICTS = ("inserted", "updated", "duplicate", "rejected")
MOST_COLUMNS = 30
FINAL = frozenset({"done", "needs_resend", "failed"})


@dataclass(frozen=True, slots=True)
class Report:
    """What the gateway says of an upload."""

    answer: dict[str, Any]

    @property
    def upload_id(self) -> str:
        """The upload's id."""
        return str(self.answer["upload_id"])

    @property
    def state(self) -> str:
        """`received`, `publishing`, `accounted`, `done`, `needs_resend` or `failed`."""
        return str(self.answer["state"])

    @property
    def rows(self) -> int | None:
        """Rows of the file, once they have been counted."""
        return self.answer.get("rows_total")

    @property
    def judged(self) -> int:
        """Rows that have their verdict."""
        return sum(self.count(verdict) for verdict in VERDICTS)

    @property
    def final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in FINAL

    @property
    def adds_up(self) -> bool:
        """Whether every row has exactly one verdict."""
        return self.rows == self.judged

    def count(self, verdict: str) -> int:
        """Rows with this verdict."""
        return int(self.answer.get(verdict) or 0)

    def show(self, *, as_json: bool) -> None:
        """Print it."""
        if as_json:
            print_json(self.answer)
            return
        show_fields(
            {
                "upload": self.upload_id,
                "state": self.state,
                "problem": self.answer.get("problem"),
                "received": self.rows,
                **{verdict: self.count(verdict) for verdict in VERDICTS},
            },
            as_json=False,
        )
        if reasons := self.answer.get("reasons"):
            rows = [{"reason": reason, "rows": count} for reason, count in reasons.items()]
            console().print(table(rows, {"rows": "rows", "reason": "rejected because"}))
        self._show_unread()
        if self.state == "done":
            say(
                "Every row has its verdict: the totals add up."
                if self.adds_up
                else "The totals do not add up: tell support."
            )

    def _show_unread(self) -> None:
        """Print what of the file was not read: columns, and values by column."""
        if ignored := self.answer.get("ignored_columns"):
            shown = ", ".join(ignored[:MOST_COLUMNS]) + (
                f" and {len(ignored) - MOST_COLUMNS} more" * (len(ignored) > MOST_COLUMNS)
            )
            say(f"Columns that were ignored: {shown}")
        rows = [
            {
                "column": " / ".join(one["columns"][:3]) or one["field"],
                "values": one["values"],
                "rows": ", ".join(map(str, one["rows"])),
            }
            for one in self.answer.get("unread_values") or ()
        ]
        if rows:
            headers = {"column": "values that could not be read", "values": "values", "rows": "first rows"}
            console().print(table(rows, headers))
