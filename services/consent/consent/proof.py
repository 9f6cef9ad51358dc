"""Proof of a lead's consents: each signature with its opened page and signer, and what followed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import orjson

from common.ids import LeadId
from common.pii.keyring import DataKey, DecryptionError, Keyring
from consent.chain import ChainFault
from consent.command_queries import ContactDecision, EncryptedPart, ProofRow, SuppressionOfNumber
from consent.proof_content import Kind, decrypt_content

_BLOCKS = {"p", "li", "h1", "h2", "label", "button", "div", "title"}
_HIDDEN = {"style", "script"}


@dataclass(frozen=True, slots=True)
class ProofFacts:
    """Everything from which a proof is built. *sellers* are names by the id of the broker."""

    lead_id: LeadId
    rows: Sequence[ProofRow]
    sellers: Mapping[UUID, str]
    encrypted: Sequence[EncryptedPart]
    keyring: Keyring
    suppressions: Sequence[SuppressionOfNumber]
    decisions: Sequence[ContactDecision]
    faults: Sequence[ChainFault]


@dataclass(frozen=True, slots=True)
class ProofEntry:
    """Act of the chain. *signer* and *page* are those of a signature; *statement* is that of a withdrawal at the office."""

    seq: int
    action: str
    at: datetime
    recorded_at: datetime
    reason: str
    seller: str | None
    covers: Sequence[str]
    text_version: int | None
    number_hash: str | None
    row_hash: str
    signer: Mapping[str, Any] = field(default_factory=dict)
    page: str | None = None
    statement: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    """Reason for which a page, signer or statement cannot be shown."""


@dataclass(frozen=True, slots=True)
class ConsentProof:
    """Proof of one lead. Times are UTC."""

    lead_id: LeadId
    is_intact: bool
    faults: Sequence[ChainFault]
    entries: Sequence[ProofEntry]
    suppressions: Sequence[Mapping[str, Any]]
    contacts: Sequence[ContactDecision]


def build_proof(facts: ProofFacts) -> ConsentProof:
    """Return the proof of a lead."""
    reader = CopyReader(facts.lead_id, facts.encrypted, facts.keyring)
    opened = [(row, reader.open_row(row)) for row in facts.rows]
    entries = [_build_entry(row, facts.sellers, copies) for row, copies in opened]
    suppressions = [
        {
            "number_hash": row.value_hash.hex(),
            "reason": row.reason,
            "at": row.at,
            "lifted_at": row.lifted_at,
        }
        for row in facts.suppressions
    ]
    damaged = any(copies.faults for _, copies in opened)
    return ConsentProof(
        facts.lead_id, not facts.faults and not damaged, facts.faults, entries, suppressions, facts.decisions
    )


_CHANGED = "The encrypted copy does not have the hash that the chain carries."
_ERASED = "The lead's data key was destroyed: the words cannot be read, and the chain still verifies."
_MISSING = "No copy was kept with this signature."
_NOT_OPENED = "The lead's data key is not one that ENCRYPTION_KEY, or a retired key, has wrapped."
_FAULTS = {
    _CHANGED: "its encrypted copy was changed",
    _MISSING: "its encrypted copy was removed",
    _NOT_OPENED: "its encrypted copy cannot be opened with these keys",
}


def _build_entry(row: ProofRow, sellers: Mapping[UUID, str], copies: "OpenedCopies") -> ProofEntry:
    page, statement = copies.texts.get("page"), copies.texts.get("statement")
    return ProofEntry(
        seq=row.seq,
        action=row.action,
        at=row.at,
        recorded_at=row.recorded_at,
        reason=row.reason,
        seller=sellers.get(row.broker_id) if row.broker_id else None,
        covers=row.covers,
        text_version=row.text_version,
        number_hash=row.value_hash.hex() if row.value_hash else None,
        row_hash=row.row_hash.hex(),
        signer=orjson.loads(copies.texts.get("signer") or "{}"),
        page=html_to_text(page) if page else None,
        statement=orjson.loads(statement or "{}"),
        problem=next(iter(copies.problems), None),
    )


@dataclass(frozen=True, slots=True)
class OpenedCopies:
    """Copies of one row of proof, the problems for which others cannot be shown, and the faults among these."""

    texts: Mapping[Kind, str]
    problems: Sequence[str]
    faults: Sequence[ChainFault]


class CopyReader:
    """Reader of the encrypted copies of a lead's proof: pages, signers and statements."""

    def __init__(self, lead_id: LeadId, encrypted: Sequence[EncryptedPart], keyring: Keyring) -> None:
        self._lead_id = lead_id
        self._copies = {(row.kind, row.audit_id or row.evidence_hash): row.ciphertext for row in encrypted}
        self._key: DataKey | None = None
        self._no_key = _ERASED
        if wrapped := next((row.data_key for row in encrypted if row.data_key), None):
            try:
                self._key = keyring.unwrap_data_key(lead_id, wrapped)
            except DecryptionError:
                self._no_key = _NOT_OPENED

    def open_row(self, row: ProofRow) -> OpenedCopies:
        """Return the copies of *row*. A changed or removed one is a fault; after an erasure no copy can be compared."""
        texts: dict[Kind, str] = {}
        problems: list[str] = []
        for kind, ciphertext, expected_hash in self._list_copies(row):
            text, problem = self._open(kind, ciphertext, expected_hash)
            if text is not None:
                texts[kind] = text
            if problem and problem not in problems:
                problems.append(problem)
        faults = [
            ChainFault(self._lead_id, row.seq, _FAULTS[problem])
            for problem in problems
            if problem in _FAULTS and not (problem == _MISSING and self._key is None)
        ]
        return OpenedCopies(texts, problems, faults)

    def _list_copies(self, row: ProofRow) -> list[tuple[Kind, bytes | None, bytes | None]]:
        """Return kind, ciphertext and hash of each copy that a row of its action has."""
        if row.action == "granted":
            return [
                ("page", self._copies.get(("page", row.id)), row.page_hash),
                ("signer", self._copies.get(("signer", row.id)), row.signer_hash),
            ]
        statement = self._copies.get(("statement", row.evidence_hash))
        return [("statement", statement, row.evidence_hash)] if statement else []

    def _open(self, kind: Kind, ciphertext: bytes | None, expected_hash: bytes | None) -> tuple[str | None, str | None]:
        """Return a copy, or the problem for which it cannot be shown."""
        if ciphertext is None:
            return None, None if expected_hash is None else _MISSING
        if self._key is None:
            return None, self._no_key
        try:
            return decrypt_content(self._key, kind, ciphertext, expected_hash), None
        except (DecryptionError, ValueError):
            return None, _CHANGED


def html_to_text(page: str) -> str:
    """Return the words of a page in their order, a line for each paragraph, label and button."""
    words = _PageWords()
    words.feed(page)
    words.close()
    lines = ("".join(words.parts)).split("\n")
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


class _PageWords(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _BLOCKS:
            self.parts.append("\n")
        kind = dict(attrs).get("type")
        if tag == "input" and kind != "hidden":
            self.parts.append("[ ] " if kind == "checkbox" else " ______ ")
        if tag == "button":
            self.parts.append("[ Button: ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN
        if tag == "button":
            self.parts.append(" ]")
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data.replace("\n", " "))
