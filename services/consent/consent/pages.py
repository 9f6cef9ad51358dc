"""Pages in English and Spanish. They need no script, load nothing from elsewhere and keep nothing in the browser."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from consent.texts import Language

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
    return build_response(render_template(page, choose_language(request), **values), status=status)


def build_response(html: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return the response with a rendered page."""
    return web.Response(text=html, status=status, content_type="text/html", headers={**PAGE_HEADERS, **(headers or {})})


def render_template(page: str, language: Language, **values: Any) -> str:
    """Return the HTML of *page* (a template) with *values*."""
    texts = read_page_texts(language)
    return _environment().get_template(f"{page}.html").render(texts=texts, language=language, **values)


def read_page_texts(language: Language) -> dict[str, str]:
    """Return the texts of all pages in *language* by name."""
    return _read_texts()[language]


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(_FOLDER)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, auto_reload=False)


@cache
def _read_texts() -> dict[Language, dict[str, str]]:
    found: dict[Language, dict[str, str]] = yaml.safe_load((_FOLDER / "texts.yaml").read_text(encoding="utf-8"))
    return found
