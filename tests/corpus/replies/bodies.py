"""Reader of the corpus of replies: bodies as mail programs write them, and the result that is expected of each."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from common.ids import BrokerId
from feeder.campaign_file.reader import DEFAULT_FILE, read_campaign_file
from feeder.campaign_file.rows import CampaignRow, make_campaign_rows

GROUPS = ("gmail", "outlook", "apple", "yahoo", "other-programs", "meanings", "instructions")
POSTAL_ADDRESS = "Example Lending LLC, 1 Main Street, Tampa, FL 33602"
LEAD_VALUES = {
    "firstName": "Maria", "lastName": "Lopez", "property_address": "123 Palmetto Ave Apt 4", "property_city": "Tampa",
    "property_state": "FL", "broker_name": "Dana Ruiz Lending", "lead_id": "8d3f0a52-7a1e-5c39-9b4e-2f6a1c0d9e11",
    "consent_link": "https://consent.example/consent?l=8d3f0a52-7a1e-5c39-9b4e-2f6a1c0d9e11",
    "opt_out_link": "https://consent.example/opt-out?l=8d3f0a52-7a1e-5c39-9b4e-2f6a1c0d9e11",
}  # fmt: skip

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ReplyBody:
    """One reply of the corpus with its expected result."""

    name: str
    subject: str
    text: str | None
    html: str | None
    new: str
    """New text; white space counts as one space."""
    meaning: str

    @property
    def is_opt_out(self) -> bool:
        return self.meaning == "unsubscribe"


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """Body that one mail program writes, with slots."""

    name: str
    text: str | None
    html: str | None
    subject: str
    parts: int
    wrap: int
    loses_marks: bool
    """Whether lines of the quote that were wrapped a second time have no mark."""


@cache
def campaign_rows() -> tuple[CampaignRow, ...]:
    """Return the shipped campaigns of all personas."""
    rows = make_campaign_rows(read_campaign_file(DEFAULT_FILE), POSTAL_ADDRESS, {"Dana Ruiz": BrokerId(UUID(int=1))})
    return tuple(rows)


def sent_bodies(row: CampaignRow) -> list[str]:
    """Return the bodies of the emails of *row* with their blanks."""
    return [step["body"] for step in row.sequence]


@cache
def read_forms() -> Mapping[str, ReplyForm]:
    """Return the forms of all groups by name."""
    return {
        name: ReplyForm(
            name, form.get("text"), form.get("html"), form.get("subject", "Re: <<subject>>"), form.get("parts", 1),
            form.get("wrap", 74), form.get("loses_marks", False),
        )
        for group in GROUPS
        for name, form in _load(group)["forms"].items()
    }  # fmt: skip


def read_replies() -> list[ReplyBody]:
    """Return the replies of all groups and the hostile bodies."""
    written = [(group, number, row) for group in GROUPS for number, row in enumerate(_load(group)["replies"], 1)]
    bodies = [
        write_reply(read_forms()[form], new, email, name=f"{group} {number}: {form}", meaning=meaning)
        for group, number, (form, email, meaning, new) in written
    ]
    return bodies + [_read_hostile(body) for body in _load("hostile")["bodies"]]


def read_wordings() -> Mapping[str, list[str]]:
    """Return wordings without a body, by what they are: `opt_outs`, `doubtful`, `no_opt_outs`."""
    wordings: Mapping[str, list[str]] = _load("wordings")
    return wordings


def write_reply(
    form: ReplyForm,
    new: str | Sequence[str],
    email: int,
    *,
    row: CampaignRow | None = None,
    values: Mapping[str, str] = LEAD_VALUES,
    name: str = "",
    meaning: str = "other",
) -> ReplyBody:
    """Return the reply that *form* makes of *new* below, above or around one of our emails (1 to 4)."""
    parts = [new] if isinstance(new, str) else list(new)
    step = (row or campaign_rows()[0]).sequence[email - 1]
    subject = _fill(step["subject"], values)
    slots = {"new": parts[0], "subject": subject} | {f"new {number}": part for number, part in enumerate(parts, 1)}
    html = _fill(step["body"], values)
    return ReplyBody(
        name or form.name,
        _insert(form.subject, slots),
        _insert(form.text, slots | _text_slots(html, form)) if form.text else None,
        _insert(form.html, _html_slots(slots, html)) if form.html else None,
        "\n".join(parts),
        meaning,
    )


@cache
def _load(group: str) -> Any:
    return yaml.safe_load((_FOLDER / f"{group}.yaml").read_text())


def _read_hostile(body: Mapping[str, Any]) -> ReplyBody:
    repeated = body["repeat"][0] * body["repeat"][1] if "repeat" in body else ""
    text, html = (body[part].replace("<<open>>", repeated) if part in body else None for part in ("text", "html"))
    return ReplyBody(f"hostile: {body['name']}", "Re: hello", text, html, body["new"], body["meaning"])


def _fill(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda blank: values[blank.group(1)], text)


def _insert(form: str, slots: Mapping[str, str]) -> str:
    return re.sub(r"<<([a-z0-9 ]+)>>", lambda slot: slots[slot.group(1)], form)


def _html_slots(slots: Mapping[str, str], html: str) -> dict[str, str]:
    first, rest = _halve(html)
    escaped = {name: escape(text).replace("\n", "<br>") for name, text in slots.items()}
    return escaped | {"html": html, "html first": first, "html rest": rest}


def _text_slots(html: str, form: ReplyForm) -> dict[str, str]:
    slots: dict[str, str] = {}
    for name, part in zip(("", " first", " rest"), (html, *_halve(html)), strict=True):
        lines = [_write_text(line) for line in re.split(r"<br ?/?>", part)]
        wrapped = [
            one
            for line in lines
            for one in textwrap.wrap(line, form.wrap, break_long_words=False, break_on_hyphens=False) or [""]
        ]
        slots[f"quoted{name}"] = "\n".join(_quote(line, number, form) for number, line in enumerate(wrapped))
        slots[f"plain{name}"] = "\n".join(lines)
        slots[f"plain one line{name}"] = " ".join(" ".join(lines).split())
    return slots


def _quote(line: str, number: int, form: ReplyForm) -> str:
    return line if form.loses_marks and number % 2 and line else f"> {line}".rstrip()


def _write_text(line: str) -> str:
    return re.sub(r'<a href="([^"]*)">([^<]*)</a>', r"\2 <\1>", line)


def _halve(html: str) -> tuple[str, str]:
    """Return *html* up to and including the line of the consent link, and the rest."""
    lines = re.split(r"<br ?/?>", html)
    end = 1 + next(number for number, line in enumerate(lines) if "/consent?" in line)
    return "<br/>".join(lines[:end]), "<br/>".join(lines[end:])
