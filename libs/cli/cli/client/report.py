"""Report of an upload: the rows received, and the outcome of each."""

from dataclasses import dataclass
from typing import Any

from cli.shell.output import make_table, new_console, print_fields, print_json, print_message

ROW_OUTCOMES = ("inserted", "updated", "duplicate", "rejected")
_MAX_COLUMNS_SHOWN = 30
_FINAL_STATES = frozenset({"done", "needs_resend", "failed"})


@dataclass(frozen=True, slots=True)
class UploadStatusReport:
    """The gateway's report of an upload."""

    fields: dict[str, Any]

    @property
    def upload_id(self) -> str:
        """Id of the upload."""
        return str(self.fields["upload_id"])

    @property
    def state(self) -> str:
        """`received`, `publishing`, `accounted`, `done`, `needs_resend` or `failed`."""
        return str(self.fields["state"])

    @property
    def rows(self) -> int | None:
        """Rows of the file, once they have been counted."""
        return self.fields.get("rows_total")

    @property
    def decided_rows(self) -> int:
        """Rows that have their outcome."""
        return sum(self.count_rows(outcome) for outcome in ROW_OUTCOMES)

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in _FINAL_STATES

    @property
    def is_consistent(self) -> bool:
        """Whether every row has exactly one outcome."""
        return self.rows == self.decided_rows

    def count_rows(self, outcome: str) -> int:
        """Return the number of rows with this outcome."""
        return int(self.fields.get(outcome) or 0)

    def print(self, *, as_json: bool) -> None:
        """Print the report on stdout."""
        if as_json:
            print_json(self.fields)
            return
        print_fields(
            {
                "upload": self.upload_id,
                "state": self.state,
                "problem": self.fields.get("problem"),
                "received": self.rows,
                **{outcome: self.count_rows(outcome) for outcome in ROW_OUTCOMES},
            },
            as_json=False,
        )
        if reasons := self.fields.get("reasons"):
            rows = [{"reason": reason, "rows": count} for reason, count in reasons.items()]
            new_console().print(make_table(rows, {"rows": "rows", "reason": "rejected because"}))
        self._print_unread()
        if self.state == "done":
            print_message(
                "Every row has its outcome: the totals add up."
                if self.is_consistent
                else "The totals do not add up: tell support."
            )

    def _print_unread(self) -> None:
        """Print the parts of the file that were not read: columns, and values by column."""
        if ignored := self.fields.get("ignored_columns"):
            shown = ", ".join(ignored[:_MAX_COLUMNS_SHOWN]) + (
                f" and {len(ignored) - _MAX_COLUMNS_SHOWN} more" * (len(ignored) > _MAX_COLUMNS_SHOWN)
            )
            print_message(f"Columns that were ignored: {shown}")
        rows = [
            {
                "column": " / ".join(one["columns"][:3]) or one["field"],
                "values": one["values"],
                "rows": ", ".join(map(str, one["rows"])),
            }
            for one in self.fields.get("unread_values") or ()
        ]
        if rows:
            headers = {"column": "values that could not be read", "values": "values", "rows": "first rows"}
            new_console().print(make_table(rows, headers))
