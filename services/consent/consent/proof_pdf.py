"""A proof as a PDF with searchable text."""

from collections.abc import Sequence
from importlib.resources import as_file, files

from fpdf import FPDF, XPos, YPos
from fpdf.enums import WrapMode
from fpdf.fonts import TTFFont

from consent.proof_lines import ProofLine

_FAMILY = "DejaVu"
_SIZES = {"title": 16, "heading": 12, "field": 10, "quote": 10}
_INDENT_MM = {"title": 0, "heading": 0, "field": 4, "quote": 10}


def render_pdf(lines: Sequence[ProofLine]) -> bytes:
    """Return the PDF. A character that the font does not have is written as its code, such as [U+1F389], so nothing is lost."""
    pdf = FPDF(format="letter")
    pdf.set_title("Proof of consent")
    pdf.set_auto_page_break(auto=True, margin=18)
    with as_file(files("consent").joinpath("fonts/DejaVuSans.ttf")) as font:
        pdf.add_font(_FAMILY, fname=font)
    pdf.set_font(_FAMILY)
    used = pdf.fonts[_FAMILY.lower()]
    assert isinstance(used, TTFFont)  # noqa: S101 - it was added from a file
    known = set(used.cmap)
    pdf.add_page()
    for line in lines:
        pdf.set_font(_FAMILY, size=_SIZES[line.style])
        if line.style == "heading":
            pdf.ln(3)
        pdf.set_x(pdf.l_margin + _INDENT_MM[line.style])
        text = _replace_unknown(line.text, known)
        wrap = WrapMode.CHAR if _has_long_word(text) else WrapMode.WORD
        pdf.multi_cell(0, None, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=wrap)
    return bytes(pdf.output())


def _replace_unknown(text: str, known: set[int]) -> str:
    return "".join(character if ord(character) in known else f"[U+{ord(character):04X}]" for character in text)


def _has_long_word(text: str) -> bool:
    return max((len(word) for word in text.split()), default=0) > 60  # noqa: PLR2004 - no page is wide enough
