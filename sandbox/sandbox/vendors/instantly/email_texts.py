"""Texts of emails: variables filled in, HTML as plain text, plain text as HTML."""

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser

_VARIABLE = re.compile(r"\{\{\s*([^{}|]+?)\s*(?:\|([^{}]*))?\}\}")
_LINE_ENDING_TAGS = frozenset({"br", "p", "div", "tr", "li", "blockquote", "h1", "h2", "h3"})
_HIDDEN_TAGS = frozenset({"style", "script", "head", "title"})


def fill_variables(text: str, variables: Mapping[str, str]) -> str:
    """Return *text* with `{{name}}` and `{{name|fallback}}` replaced. An unknown variable without fallback becomes empty."""
    return _VARIABLE.sub(lambda match: variables.get(match[1]) or (match[2] or "").strip(), text)


def variable_text(value: str | float) -> str:
    """Return a variable as JavaScript writes it: `true`, and `412000` for 412000.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def html_of_text(text: str) -> str:
    """Return plain *text* as HTML, a `<br>` for each end of a line."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def text_of_html(fragment: str) -> str:
    """Return the visible text of HTML, as mail clients write it: the URL of a link follows its text."""
    parser = _TextCollector()
    parser.feed(fragment)
    parser.close()
    lines = [line.strip() for line in "".join(parser.parts).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _TextCollector(HTMLParser):
    """Collector of the visible text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN_TAGS
        if tag == "br":
            self.parts.append("\n")
        if tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN_TAGS
        if tag in _LINE_ENDING_TAGS and tag != "br":
            self.parts.append("\n")
        if tag == "a" and self._links and (url := self._links.pop()):
            self.parts.append(f" <{url}>")

    def handle_data(self, data: str) -> None:
        if self._hidden <= 0:
            self.parts.append(data)
