"""A proof as lines for people, the same on the terminal and in a PDF. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from consent.proof import ConsentProof, ProofEntry

Style = Literal["title", "heading", "field", "quote"]
_ACTIONS = {
    "granted": "Signed consent",
    "withdrawn": "Consent withdrawn",
    "voided": "Consent void",
    "lifted": "Opt-out lifted by the signature",
    "legacy_consent_without_time": "Consent of an earlier system, without a time",
}


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One line and its style. A quote is a line of the page as the person saw it."""

    style: Style
    text: str

    @property
    def plain(self) -> str:
        """The line for a terminal."""
        prefix = {"title": "", "heading": "\n", "field": "  ", "quote": "  | "}[self.style]
        return prefix + self.text


def write_lines(proof: ConsentProof) -> list[ProofLine]:
    """Return the lines of a proof."""
    return [
        *_write_head(proof),
        *(line for entry in proof.entries for line in _write_entry(entry)),
        *_write_rest(proof),
    ]


def _write_head(proof: ConsentProof) -> Iterator[ProofLine]:
    yield ProofLine("title", f"Proof of consent, lead {proof.lead_id}")
    if not proof.entries:
        yield ProofLine("field", "This lead signed nothing and withdrew nothing.")
    elif proof.is_intact:
        yield ProofLine("field", "The chain of proof is intact.")
    else:
        yield ProofLine("field", "THE PROOF IS DAMAGED. Compare it with a backup: docs/consent.md")
    for fault in proof.faults:
        yield ProofLine("field", f"row {fault.seq}: {fault.fault}")


def _write_entry(entry: ProofEntry) -> Iterator[ProofLine]:
    yield ProofLine("heading", f"{entry.seq}. {_ACTIONS.get(entry.action, entry.action)}: {_time(entry.at)}")
    signer, statement = entry.signer, entry.statement
    values = {
        "Reason": entry.reason.replace("_", " "),
        "Seller": entry.seller,
        "Covers": ", ".join(entry.covers),
        "Name": signer.get("name"),
        "Number": signer.get("number") or (f"keyed hash {entry.number_hash}" if entry.number_hash else None),
        "Network address": signer.get("address"),
        "Browser": signer.get("user_agent"),
        "Page": f"{signer['page']} ({signer['language']})" if signer else None,
        "Version of the text": entry.text_version,
        "Said to the office": statement.get("reason"),
        "Taken by": statement.get("by"),
        "Recorded": _time(entry.recorded_at),
        "Hash of the row": entry.row_hash,
        "Problem": entry.problem,
    }
    yield from (ProofLine("field", f"{name}: {value}") for name, value in values.items() if value not in (None, ""))
    if entry.page:
        yield ProofLine("field", "The page, word for word as it was shown:")
        yield from (ProofLine("quote", line) for line in entry.page.split("\n"))


def _write_rest(proof: ConsentProof) -> Iterator[ProofLine]:
    if proof.suppressions:
        yield ProofLine("heading", "Suppressions of these numbers")
    for row in proof.suppressions:
        lifted = f", lifted {_time(row['lifted_at'])}" if row["lifted_at"] else ", active"
        yield ProofLine(
            "field",
            f"{_time(row['at'])}: {row['reason'].replace('_', ' ')}{lifted} (number {row['number_hash'][:12]}…)",
        )
    if proof.contacts:
        yield ProofLine("heading", "Decisions about contacts, the newest first")
    for contact in proof.contacts:
        decided = "allowed" if contact.allowed else f"refused: {contact.reason}"
        yield ProofLine("field", f"{_time(contact.at)}: {contact.channel}, {contact.purpose}, {decided}")


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
