"""Forms of a file: encoding, delimiter, line ends, and what stands around the table."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileForm:
    """Form of a file. *encoding* is named as the product names it: `utf-8-sig` is UTF-8 with a byte order mark."""

    encoding: str = "utf-8"
    delimiter: str = ","
    line_end: str = "\r\n"
    before: tuple[str, ...] = ()
    """Lines before the header, as they are: titles, `sep=;`, blank lines."""
    quotes_all: bool = False
    trailing_delimiter: bool = False
    big_endian: bool = False
    """UTF-16 with the high byte first."""

    def encode(self, text: str) -> bytes:
        """Return the bytes of *text*, with the byte order mark of the encoding. A lone surrogate is a damaged byte."""
        if self.encoding == "utf-16":
            codec, mark = ("utf-16-be", b"\xfe\xff") if self.big_endian else ("utf-16-le", b"\xff\xfe")
            return mark + text.encode(codec)
        return text.encode(self.encoding, errors="surrogateescape")

    def line(self, cells: Sequence[str]) -> str:
        """Return one record with its line end."""
        out = io.StringIO()
        csv.writer(
            out,
            delimiter=self.delimiter,
            lineterminator="\r\n",
            quoting=csv.QUOTE_ALL if self.quotes_all else csv.QUOTE_MINIMAL,
        ).writerow(cells)
        return out.getvalue().removesuffix("\r\n") + (self.delimiter if self.trailing_delimiter else "") + self.line_end
