"""Tables at every width: an id is never folded, columns are left out by priority, no line is wider than the terminal."""

import io
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from rich.cells import cell_len
from rich.console import Console

from cli.commands import brokers
from cli.shell import output
from cli.shell.tables import fit_table
from gateway.commands import uploads
from ingest import commands as ingest_commands
from recorder import commands as recorder_commands

WIDTHS = (40, 60, 80, 120, 200)
WHEN = datetime(2026, 3, 1, 17, 5, 9, tzinfo=UTC)
UPLOADS = [
    {
        "id": uuid4(), "received_at": WHEN, "state": "needs_resend", "partner": "A partner with a long name",
        "filename": "an export of leads with a long name 2026-03-01 (final).csv", "rows_total": 123_456,
        "inserted": 100_000, "updated": 3_456, "duplicate": 10_000, "rejected": 10_000,
    }
    for _ in range(3)
]  # fmt: skip


def printed(width: int, columns: dict[str, str], rows: list[dict[str, object]], first: tuple[str, ...] = ()) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(fit_table(rows, columns, width, first=first))
    return out.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
def test_uploads_are_readable_at_every_width(width: int) -> None:
    text = printed(width, uploads._COLUMNS, UPLOADS, uploads._FIRST_COLUMNS)
    assert all(cell_len(line.rstrip()) <= width for line in text.splitlines())
    for row in UPLOADS:
        assert str(row["id"]) in text
    assert "needs_resend" in text
    assert text.count("123,456") == 3


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "columns",
    [
        uploads._COLUMNS,
        brokers._COLUMNS,
        ingest_commands._COLUMNS,
        ingest_commands._IDS,
        recorder_commands._DEAD_LETTER_COLUMNS,
    ],
)
def test_no_table_folds_an_id_or_is_wider_than_the_terminal(columns: dict[str, str], width: int) -> None:
    row: dict[str, object] = dict.fromkeys(columns, "words that may be folded anywhere")
    row |= {field: uuid4() for field in columns if field in ("id", "lead_id")}
    text = printed(width, columns, [row])
    assert all(cell_len(line.rstrip()) <= width for line in text.splitlines())
    assert str(row["id"]) in text


def test_columns_that_are_left_out_are_named() -> None:
    text = " ".join(printed(60, uploads._COLUMNS, UPLOADS, uploads._FIRST_COLUMNS).split())
    assert "Left out here:" in text
    assert "partner" in text.partition("Left out here:")[2]
    assert "--json" in text


def test_columns_named_first_stay_although_they_are_last() -> None:
    columns = {f"c{number}": f"heading {number}" for number in range(9)}
    rows: list[dict[str, object]] = [dict.fromkeys(columns, "x" * 12)]
    text = printed(40, columns, rows, ("c8", "c7"))
    assert "heading 8" in text
    assert "heading 7" in text
    assert "heading 0" in text


def test_piped_output_has_every_column_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_rows(UPLOADS, uploads._COLUMNS, as_json=False, empty="")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(UPLOADS)
    for row, line in zip(UPLOADS, lines[1:], strict=True):
        assert all(output.format_without_markup(value).replace("\\", "") in line for value in row.values())


def test_control_characters_of_a_file_s_name_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"id": UUID(int=1), "filename": "\x1b[2J\x07leads\u202e.csv"}
    output.print_rows([row], {"id": "id", "filename": "file"}, as_json=False, empty="")
    output.print_fields(row, as_json=False)
    output.print_message("refused: \x1b]0;x\x07")
    printed_text = capsys.readouterr()
    assert "\x1b" not in printed_text.out + printed_text.err
    assert "\\x1b[2J" in printed_text.out


def test_a_long_column_does_not_fold_the_short_ones() -> None:
    text = printed(
        60,
        {"column": "column", "field": "read as", "values": "values"},
        [{"column": "long " * 20, "field": "property_address", "values": 1}],
    )
    assert "property_address" in text


LONG_HOME: dict[str, object] = {
    "id": UUID(int=7),
    "home": "12418 North Martin Luther King Junior Memorial Boulevard, Saint Petersburg Beach, FL 34698",
    "owner": "Marjorie Alexandra Holt-Abernathy-Wintringham",
    "status": "do_not_contact",
}


def test_long_columns_share_the_width_by_their_length() -> None:
    lines = printed(120, {name: name for name in LONG_HOME}, [LONG_HOME]).splitlines()
    assert len(lines) <= 1 + 3
    assert "do_not_contact" in lines[1]


def test_a_table_that_would_be_longer_than_a_list_of_fields_becomes_one() -> None:
    lines = printed(80, {name: name for name in LONG_HOME}, [LONG_HOME]).splitlines()
    assert [line.rstrip() for line in lines] == [
        "00000000-0000-0000-0000-000000000007",
        "  home    12418 North Martin Luther King Junior Memorial Boulevard, Saint",
        "          Petersburg Beach, FL 34698",
        "  owner   Marjorie Alexandra Holt-Abernathy-Wintringham",
        "  status  do_not_contact",
    ]
