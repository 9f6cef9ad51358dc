"""Reader of HTML bodies: visible text as marked lines.

lxml reports elements one by one and builds no tree, so neither depth nor unclosed tags cost more than their length. Style
sheets are not interpreted: only the style attribute of an element can hide it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from lxml import etree

from replies.text.folding import drop_invisible
from replies.text.lines import MAX_LINES, Line, Mark

MAX_HTML_CHARACTERS = 150_000
"""HTML beyond it is not read. Gmail clips emails at about 102 kB."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EMBEDDED_DATA = re.compile(r"data:[\w/+.-]{0,60};base64,[A-Za-z0-9+/=\s]*")
_NESTED_TAG = re.compile(r"<(?P<end>/?)(?P<tag>div|blockquote)\b[^<>]*>", re.IGNORECASE)
_BLOCKS = _words(
    "address article aside blockquote body br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr html"
    " li main nav ol p pre section table tbody tfoot thead tr ul"
)
_CELLS = frozenset({"td", "th"})
_UNREAD = _words(
    "applet audio button canvas datalist embed frame frameset head iframe math noembed noframes object option script"
    " select style svg template textarea title video"
)
_HEADER_CLASSES = frozenset({"gmail_attr", "moz-cite-prefix"})
_SIGNATURE_CLASSES = frozenset({"gmail_signature", "gmail_signature_prefix", "moz-signature", "signature-text"})
_SIGNATURE_IDS = frozenset({"signature", "applemailsignature", "ms-outlook-mobile-signature", "x_signature"})
_QUOTE_START_IDS = frozenset(
    {"divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container", "replymessage"}
)
_QUOTE_START_CLASSES = frozenset({"yahoo_quoted", "outlookmessageheader", "protonmail_quote", "zmail_extra"})
_WHITE = frozenset({"#fff", "#ffffff", "white", "rgb(255,255,255)", "rgba(255,255,255,1)", "#fefefe"})
_ZERO = re.compile(r"^0*(?:\.0*)?(?:px|pt|em|rem|%|cm|in)?$|^1px$")


@dataclass(frozen=True, slots=True)
class _Style:
    """Inherited state of an element."""

    hidden: bool = False
    tiny: bool = False
    color: str = "black"
    background: str = "white"
    keeps_lines: bool = False
    mark: Mark = Mark.NEW

    def shows(self) -> bool:
        return not (self.hidden or self.tiny or self.color == self.background)


def _close_open_divs(html: str) -> str:
    """Close the divs that a block quote leaves open at its end, as browsers do.

    libxml2 ignores the end of such a block quote instead, and what a person wrote behind it would count as quoted.
    """
    parts, copied = list[str](), 0
    open_divs = [0]  # in each open block quote, the innermost last
    for found in _NESTED_TAG.finditer(html):
        is_end, is_div = bool(found["end"]), found["tag"].lower() == "div"
        if is_div:
            open_divs[-1] = max(0, open_divs[-1] + (-1 if is_end else 1))
        elif not is_end:
            open_divs.append(0)
        elif len(open_divs) > 1:
            parts += [html[copied : found.start()], "</div>" * open_divs.pop()]
            copied = found.start()
    return "".join([*parts, html[copied:]])


def read_html(html: str) -> tuple[list[Line], bool]:
    """Return the visible lines of *html* and whether it was too long to be read whole. Damaged HTML is read as it is.

    A line with Mark.HEADER and no text stands where an element says that a quote begins.
    """
    short = _EMBEDDED_DATA.sub("", html[: 20 * MAX_HTML_CHARACTERS])
    target = _TextTarget()
    parser = etree.HTMLParser(target=target, encoding="utf-8", recover=True, huge_tree=False, no_network=True)
    try:
        readable = _close_open_divs(short[:MAX_HTML_CHARACTERS].replace("\0", ""))
        parser.feed(readable.encode("utf-8", "replace"))
        parser.close()
    except etree.LxmlError:
        target.close()
    return target.lines[:MAX_LINES], len(short) > MAX_HTML_CHARACTERS or len(target.lines) > MAX_LINES


class _TextTarget:
    """Receiver of lxml's parser events. `lines` is complete after close()."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._styles = [_Style()]
        self._words: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        outer = self._styles[-1]
        style = _style_of(tag, attributes, outer)
        if tag in _BLOCKS or style.mark is not outer.mark:
            self._end_line()
        if tag in _CELLS:
            self._words.append(" ")
        if tag == "p" and self.lines and self.lines[-1].text:
            self.lines.append(Line("", style.mark))
        if _starts_quote(attributes):
            self._end_line()
            self.lines.append(Line("", Mark.HEADER))
        self._styles.append(style)

    def end(self, tag: str) -> None:
        style = self._styles.pop() if len(self._styles) > 1 else self._styles[-1]
        if tag in _BLOCKS or style.mark is not self._styles[-1].mark:
            self._end_line(style.mark)
        if tag == "p" and self.lines and self.lines[-1].text:
            self.lines.append(Line("", style.mark))

    def data(self, text: str) -> None:
        style = self._styles[-1]
        if not style.shows():
            return
        if not style.keeps_lines:
            self._words.append(text)
            return
        first, *others = text.split("\n")
        self._words.append(first)
        for line in others:
            self._end_line()
            self._words.append(line)

    def comment(self, text: str) -> None:
        """Ignore comments."""

    def close(self) -> None:
        self._end_line()

    def _end_line(self, mark: Mark | None = None) -> None:
        text = " ".join(drop_invisible("".join(self._words)).split())
        self._words.clear()
        if text:
            self.lines.append(Line(text, mark or self._styles[-1].mark))


def _style_of(tag: str, attributes: Mapping[str, str], outer: _Style) -> _Style:
    rules = _read_style(attributes.get("style", ""))
    background = rules.get("background-color") or rules.get("background") or attributes.get("bgcolor", "")
    color = rules.get("color") or (attributes.get("color", "") if tag == "font" else "")
    size = rules.get("font-size", "")
    return replace(
        outer,
        hidden=outer.hidden or tag in _UNREAD or "hidden" in attributes or _is_hidden(rules),
        tiny=bool(_ZERO.match(size)) if size else outer.tiny,
        color=_name_color(color) or outer.color,
        background=_name_color(background) or outer.background,
        keeps_lines=outer.keeps_lines or tag == "pre" or rules.get("white-space", "").startswith("pre"),
        mark=_mark_of(tag, attributes, rules, outer.mark),
    )


def _read_style(style: str) -> dict[str, str]:
    pairs = (declaration.partition(":") for declaration in style[:2_000].lower().split(";"))
    return {name.strip(): "".join(value.replace("!important", "").split()) for name, _, value in pairs}


def _is_hidden(rules: Mapping[str, str]) -> bool:
    clipped = "hidden" in rules.get("overflow", "")
    return (
        rules.get("display") == "none"
        or rules.get("visibility") == "hidden"
        or rules.get("mso-hide") == "all"
        or rules.get("opacity") in ("0", "0.0", "0%")
        or (
            clipped
            and any(_ZERO.match(rules.get(side, "none")) for side in ("height", "max-height", "width", "max-width"))
        )
    )


def _name_color(color: str) -> str:
    color = "".join(color.lower().split())
    return "white" if color in _WHITE else color


def _mark_of(tag: str, attributes: Mapping[str, str], rules: Mapping[str, str], outer: Mark) -> Mark:
    if outer is Mark.QUOTE or (tag == "blockquote" and not _is_indent(rules)):
        return Mark.QUOTE
    classes = set(attributes.get("class", "")[:500].lower().split())
    if classes & _HEADER_CLASSES:
        return Mark.HEADER
    if classes & _SIGNATURE_CLASSES or attributes.get("id", "").lower() in _SIGNATURE_IDS:
        return Mark.SIGNATURE
    return outer


def _is_indent(rules: Mapping[str, str]) -> bool:
    """Return whether a block quote only indents, as Gmail's button for indenting writes it."""
    return rules.get("border", "") in ("none", "0", "0px")


def _starts_quote(attributes: Mapping[str, str]) -> bool:
    classes = set(attributes.get("class", "")[:500].lower().split())
    name = attributes.get("id", "").lower().removeprefix("x_")
    return name in _QUOTE_START_IDS or bool(classes & _QUOTE_START_CLASSES)
