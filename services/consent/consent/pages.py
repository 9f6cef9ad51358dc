"""Pages in English and Spanish. They need no script, load nothing from elsewhere and keep nothing in the browser."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

Language = Literal["en", "es"]

_FOLDER = Path(__file__).parent / "templates"
STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Vary": "Accept-Language",
}


def choose_language(request: web.Request) -> Language:
    """Return the language of `?lang=`, else the first of English and Spanish that the browser prefers."""
    wanted = request.query.get("lang", "") or request.headers.get("Accept-Language", "")
    for part in wanted.lower().split(","):
        if part.strip()[:2] == "es":
            return "es"
        if part.strip()[:2] == "en":
            return "en"
    return "en"


def render_page(request: web.Request, page: str, *, status: int = 200, **values: Any) -> web.Response:
    """Return *page* (a template) in the language of *request*."""
    language = choose_language(request)
    texts = _read_texts()[language]
    html = _environment().get_template(f"{page}.html").render(texts=texts, language=language, **values)
    return web.Response(text=html, status=status, content_type="text/html", headers=PAGE_HEADERS)


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)


@cache
def _read_texts() -> dict[Language, dict[str, str]]:
    found: dict[Language, dict[str, str]] = yaml.safe_load((_FOLDER / "texts.yaml").read_text(encoding="utf-8"))
    return found
