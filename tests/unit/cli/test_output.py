"""Output: JSON for programs, text for people."""

import json
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from cli.shell import output

WHEN = datetime(2026, 3, 1, 17, 5, 9, tzinfo=UTC)


def test_json_is_one_document_of_plain_values(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json(
        {"id": UUID(int=7), "at": WHEN, "score": Decimal("1.5"), "encrypted": b"\x01", "names": {"b", "a"}}
    )
    assert json.loads(capsys.readouterr().out) == {
        "id": "00000000-0000-0000-0000-000000000007",
        "at": "2026-03-01T17:05:09Z",
        "score": 1.5,
        "encrypted": "01",
        "names": ["a", "b"],
    }


MISLEADING = "a\x00\t\x1b[2J\x7f\x85\x9b1m\u061c\u200e\u200f\u2028\u202e\u2066\ufeff\U000e0041b"


def test_json_sends_no_character_that_controls_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({MISLEADING: [MISLEADING], "name": "Zoë 李"})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {MISLEADING: [MISLEADING], "name": "Zoë 李"}
    assert "Zoë 李" in printed
    assert [character for character in printed if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}] == [
        "\n"
    ] * printed.count("\n")


def test_text_sends_no_character_that_controls_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_fields({"name": MISLEADING}, as_json=False)
    output.print_rows([{"name": MISLEADING}], {"name": "name"}, as_json=False, empty="")
    printed = capsys.readouterr().out.replace("\n", "").replace("\t", "")
    assert not [character for character in printed if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"}]


def test_an_empty_list_is_still_json(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_rows([], {"a": "a"}, as_json=True, empty="Nothing.")
    assert json.loads(capsys.readouterr().out) == []


def test_piped_tables_are_not_cut_and_not_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "x" * 90, "note": "y" * 90, "count": 12345}]
    output.print_rows(rows, {"name": "name", "note": "note", "count": "count"}, as_json=False, empty="")
    printed = capsys.readouterr().out
    assert "x" * 90 in printed
    assert "y" * 90 in printed
    assert "12,345" in printed
    assert "\x1b" not in printed


def test_values_are_not_taken_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_fields({"name": "[bold]Ruiz[/bold] [/]"}, as_json=False)
    assert "[bold]Ruiz[/bold] [/]" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["[bold]Ruiz[/bold]", "[/]", "[Acme]", "\\[x]"])
def test_messages_are_not_taken_for_markup_either(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.print_message(f"Made {name}.")
    output.print_done(f"Made {name}.", {}, as_json=False)
    assert capsys.readouterr().err == f"Made {name}.\n" * 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, ""), (True, "yes"), (WHEN, "2026-03-01 17:05:09Z"), (1234.56, "1,234.6"), ({"inserted": 9}, "inserted 9"),
     (["FL", "CA"], "FL, CA")],
)  # fmt: skip
def test_values_read_well(value: object, expected: str) -> None:
    assert output.format_without_markup(value) == expected


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (7_310_000, "7.3 MB"), (2 * 10**9, "2.0 GB")]
)
def test_sizes_read_well(count: int, expected: str) -> None:
    assert output.format_bytes(count) == expected
