"""Protective fields of JSON records that `LeadRecord` does not name, read as columns of a file are."""

from collections.abc import Callable, Mapping
from typing import Any

from common.protection import protection_of, remarks_of
from common.remarks import Remark, read_note, read_status
from ingest.values import forbids


def record_from_json(extra: Mapping[str, Any], read: Callable[[str], Remark] = read_note) -> dict[str, Any]:
    """The flags that *extra* fields set, such as `do_not_contact`; only those that forbid, and `unread_protection`.

    `all_phones` forbids every phone. A field that names one of several phones or emails forbids all: a record lists them.
    *read* reads free text; `read_status` is for fields beside one phone.
    """
    said: dict[str, Any] = {}
    for name, value in extra.items():
        if remark := remarks_of(name):
            said |= _of_remarks(value, read if remark.subject == "row" else read_status)
            continue
        found = protection_of(name)
        if found is None or not (forbids(value) or (found.subject == "unreadable" and value is not None)):
            continue
        if found.subject == "unreadable":
            said["unread_protection"] = True
        elif found.subject == "phones":
            said["all_phones"] = True
        elif found.subject in ("row", "emails"):
            said["do_not_contact"] = True
        else:
            said[found.subject] = True
    return said


def _of_remarks(value: Any, read: Callable[[str], Remark]) -> dict[str, Any]:
    """The flags that free text sets: a status, notes, a list of tags."""
    texts = value if isinstance(value, list) else [value]
    remark = read(" | ".join(text for text in texts if isinstance(text, str)))
    said = {"deceased_owner": remark.deceased, "litigator": remark.litigator, "do_not_contact": remark.refuses}
    said["all_phones"] = remark.forbids
    return {name: True for name, is_said in said.items() if is_said}
