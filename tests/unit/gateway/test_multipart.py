"""Extraction of the one file in a multipart body."""

from pathlib import Path

import pytest

from common.web.problems import ProblemError
from gateway.uploads.multipart import extract_file, read_boundary

CSV = b"Address\r\n1 Main St\r\n--not-the-end\r\n"
PART = b'Content-Disposition: form-data; name="file"; filename="leads.csv"\r\nContent-Type: text/csv\r\n\r\n' + CSV


def body(*parts: bytes, end: bytes = b"--x--\r\n") -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + end


def extract(tmp_path: Path, content: bytes, boundary: bytes = b"x") -> tuple[str, bytes]:
    raw, out = tmp_path / "raw", tmp_path / "out"
    raw.write_bytes(content)
    with out.open("wb") as file:
        name = extract_file(raw, boundary, file)
    return name, out.read_bytes()


def test_the_bytes_of_the_file_are_copied_unchanged(tmp_path: Path) -> None:
    field = b'Content-Disposition: form-data; name="note"\r\n\r\nhello'
    assert extract(tmp_path, body(field, PART, field)) == ("leads.csv", CSV)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        body(),
        body(PART, end=b""),
        body(PART, PART),
        body(b'Content-Disposition: form-data; name="file"\r\n\r\nAddress'),
        body(PART.replace(b"Content-Type: text/csv", b"Content-Transfer-Encoding: base64")),
        body(PART)[5:],
        b"--x\r\n" + b"A" * 100_000,
    ],
)
def test_a_body_without_exactly_one_whole_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ProblemError) as refused:
        extract(tmp_path, content)
    assert refused.value.code == "bad_multipart"


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary"]
)
def test_a_body_without_a_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(ProblemError):
        read_boundary(content_type)


def test_a_boundary_may_be_quoted() -> None:
    assert read_boundary('multipart/form-data; boundary="a b"') == b"a b"
