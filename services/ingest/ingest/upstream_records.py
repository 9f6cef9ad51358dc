"""Protective fields of JSON records that `LeadRecord` does not name. They are read like the columns of a file."""

from collections.abc import Callable, Mapping
from typing import Any

from common.compliance.protective_columns import protection_of, remarks_of
from common.compliance.remarks import Remark, read_note, read_status
from common.records.values.text import read_protective_flag


def read_protective_fields(extra: Mapping[str, Any], read_text: Callable[[str], Remark] = read_note) -> dict[str, Any]:
    """Return the flags that *extra* fields set, such as `do_not_contact`: only flags that forbid, and `unread_protection`.

    `all_phones` forbids every phone. A field that names one of several phones or emails forbids all of them, because a
    record lists its contacts without numbers. *read_text* reads free text; `read_status` is for fields beside one phone.
    """
    flags: dict[str, Any] = {}
    for name, value in extra.items():
        if remark := remarks_of(name):
            flags |= _read_remarks(value, read_text if remark.subject == "row" else read_status)
            continue
        found = protection_of(name)
        if found is None or not (read_protective_flag(value) or (found.subject == "unreadable" and value is not None)):
            continue
        if found.subject == "unreadable":
            flags["unread_protection"] = True
        elif found.subject == "phones":
            flags["all_phones"] = True
        elif found.subject in ("row", "emails"):
            flags["do_not_contact"] = True
        else:
            flags[found.subject] = True
    return flags


def _read_remarks(value: Any, read_text: Callable[[str], Remark]) -> dict[str, Any]:
    """Return the flags that free text sets: a status, notes, or a list of tags."""
    texts = value if isinstance(value, list) else [value]
    remark = read_text(" | ".join(text for text in texts if isinstance(text, str)))
    flags = {"deceased_owner": remark.deceased, "litigator": remark.litigator, "do_not_contact": remark.forbids_person}
    flags["all_phones"] = remark.forbids
    return {name: True for name, is_set in flags.items() if is_set}
