"""Rows of CSV files, unchanged or with a problem. No row swallows another."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from common.csv.reader import MAX_LINE_CHARACTERS, MAX_RECORD_LINES, CsvReader, CsvRow


def read(text: str, delimiter: str = ",", width: int = 3) -> list[CsvRow]:
    reader = CsvReader(io.StringIO(text, newline=""), delimiter)
    reader.read_header()
    return list(reader.read_rows(width))


def test_cells_are_unchanged() -> None:
    assert read("a,b,c\n1, 2 ,3\n") == [CsvRow(["1", " 2 ", "3"])]


def test_every_kind_of_line_end_ends_a_row() -> None:
    assert [row.cells[0] for row in read("a,b,c\r1,x,x\n2,x,x\r\n3,x,x")] == ["1", "2", "3"]


def test_blank_rows_are_skipped() -> None:
    assert read("a,b,c\n\n1,2,3\n,,\n  , ,\n\r\n4,5,6\n\n") == [CsvRow(["1", "2", "3"]), CsvRow(["4", "5", "6"])]


def test_a_quoted_cell_may_hold_line_breaks_delimiters_and_quotes() -> None:
    assert read('a,b,c\n1,"x\ny, ""z""",3\n') == [CsvRow(["1", 'x\ny, "z"', "3"])]


def test_a_quote_inside_a_cell_is_a_character() -> None:
    assert read('a,b,c\n1,12" pipe,3\n4,5,6\n') == [CsvRow(["1", '12" pipe', "3"]), CsvRow(["4", "5", "6"])]


def test_missing_trailing_cells_are_empty_and_only_surplus_content_is_a_problem() -> None:
    found = read("a,b,c\n1,2\n1,2,3,4\n1,2,3,,  ,\n1,2,3\n")
    assert [row.problem for row in found] == [None, "too_many_cells", None, None]
    assert [row.cells for row in found] == [["1", "2", ""], ["1", "2", "3", "4"], ["1", "2", "3"], ["1", "2", "3"]]


def test_a_quote_that_never_closes_is_a_problem_of_its_line_only() -> None:
    found = read('a,b,c\n1,"2,3\n4,5,6\n7,8,9\n')
    assert found == [CsvRow(["1", '"2', "3"], "unclosed_quote"), CsvRow(["4", "5", "6"]), CsvRow(["7", "8", "9"])]


def test_a_quote_that_closes_in_a_later_row_is_a_problem_of_its_line_only() -> None:
    found = read('a,b,c\n1,"2,3\n4,5,6\n7,"8",9\n')
    assert [row.cells[0] for row in found] == ["1", "4", "7"]
    assert [row.problem for row in found] == ["unclosed_quote", None, None]


def test_rows_between_two_stray_quotes_are_read_as_rows() -> None:
    found = read('a,b,c\n1,"2,3\n4,5,6\n7,8",9\n')
    assert [row.cells[0] for row in found] == ["1", "4", "7"]


def test_a_record_of_too_many_lines_is_a_problem_of_its_first_line_only() -> None:
    lines = MAX_RECORD_LINES * 3
    found = read('a,b,c\n"x,1,1\n' + "4,5,6\n" * lines)
    assert len(found) == lines + 1
    assert [row.problem for row in found if row.problem] == ["unclosed_quote"]


def test_a_line_that_is_too_long_is_one_row_and_is_truncated() -> None:
    found = read("a,b,c\n" + "x" * (3 * MAX_LINE_CHARACTERS) + ",1,2\n4,5,6\n")
    assert [row.problem for row in found] == ["row_too_large", None]
    assert sum(map(len, found[0].cells)) <= MAX_LINE_CHARACTERS


def test_a_line_that_is_too_long_inside_quotes_does_not_swallow_the_next_row() -> None:
    found = read('a,b,c\n"1,1,1\n' + "x" * (2 * MAX_LINE_CHARACTERS) + "\n4,5,6\n")
    assert [row.problem for row in found] == ["unclosed_quote", "row_too_large", None]


def test_the_header_follows_excels_separator_hint() -> None:
    reader = CsvReader(io.StringIO("sep=;\r\na;b\r\n1;2\r\n", newline=""), ";")
    assert reader.read_header() == ["a", "b"]
    assert list(reader.read_rows(2)) == [CsvRow(["1", "2"])]


def test_an_empty_file_has_no_header() -> None:
    assert CsvReader(io.StringIO("\n \n,,\n", newline=""), ",").read_header() == []


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0,;\t|"), max_size=8)


@given(st.lists(st.tuples(cell, cell, cell), max_size=30), st.sampled_from([",", ";", "\t", "|"]))
def test_rows_of_a_csv_writer_are_read_back(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([("a", "b", "c"), *rows])
    kept = [list(row) for row in rows if any(map(str.strip, row))]
    # Delimiters inside cells are left out: lines that look like rows are not accepted as a cell.
    assert [row.cells for row in read(text.getvalue(), delimiter)] == kept


@given(st.text(st.sampled_from('ab,"\n\r; '), max_size=120))
def test_any_text_is_read_and_no_content_is_lost(text: str) -> None:
    found = read("a,b,c\n" + text)
    shown = "".join("".join(row.cells) for row in found)
    for letter in "ab":
        assert shown.count(letter) == text.count(letter)
