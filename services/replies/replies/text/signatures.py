"""Signatures, lines that mail programs add, and notices about confidentiality."""

import re
from collections.abc import Sequence

from replies.text.folding import fold
from replies.text.opt_out_words import find_opt_out

_DELIMITER = re.compile(r"(?:--|—|__)\s*$")
_PROGRAM_LINE = re.compile(
    r"(?:sent|enviado|enviada|escrito) (?:from|via|with|using|by|desde|con|por|de|a traves de)"
    r"(?: the| my| mi| un| el| la)? ?(?:all new )?"
    r"(?:iphone|ipad|android|galaxy|samsung|phone|mobile|cell|celular|telefono|movil|dispositivo|tablet|outlook|yahoo|aol|gmail"
    r"|mail|correo|apple|t-mobile|verizon|at&t|metro|boost|cricket|motorola|pixel|google|windows|proton|spark|bluemail|blackberry"
    r"|huawei|xiaomi|smartphone|wireless|desktop|laptop|mac|verizon|tracfone|straight talk)\b.{0,80}$"
    r"|(?:get|download) outlook for .{1,40}$|(?:obtener|obten|obtenga|descarga|descargue) outlook (?:para|for) .{1,40}$"
    r"|yahoo mail: search, organize, conquer.{0,40}$"
)
_BANNER = re.compile(
    r"\[?(?:external|externo|ext)\b(?: (?:email|sender|message))?[\]:].{0,200}$"
    r"|(?:caution|warning|precaucion|aviso) ?: ?(?:this|external|este|el) .{0,250}$"
    r"|(?:you don't often get email from|no suele recibir correo).{0,250}$"
)
_NOTICE = re.compile(
    r"(?:confidentiality notice|notice of confidentiality|aviso de confidencialidad|aviso legal|disclaimer"
    r"|this (?:e-?mail|message|communication)|este (?:correo|mensaje)|la informacion contenida|the information (?:contained|in))\b"
)
_NOTICE_WORDS = re.compile(
    r"confiden[ct]ial|privileged|privilegiad|intended recipient|destinatario|intended (?:only|solely)"
)
_CLOSING = re.compile(
    r"(?:(?:many )?thanks(?: again| so much)?|thank you(?: so much| very much)?|(?:best|kind|warm|kindest|warmest)(?: regards| wishes)?"
    r"|regards|sincerely|cheers|respectfully|yours(?: truly)?|(?:muchas )?gracias|saludos(?: cordiales)?|atentamente"
    r"|cordialmente|un saludo)[,.!-]*$"
)
_CONTACT = re.compile(r"(?:[+(]?\d[\d ().x-]{6,}\d)|@[\w-]+\.\w|\bwww\.|https?://|\b(?:lic|nmls|dre)\b ?#?")
_NAME_WORD = r"(?:[A-ZÁÉÍÓÚÑ][\w.'\u2019-]*|[&|,\u2022\xb7-]|de|la|del|of|and|y)"
_NAME_LINE = re.compile(rf"[-\u2013\u2014~ ]{{0,3}}{_NAME_WORD}(?:[ ,|]+{_NAME_WORD}){{0,7}},?$")
_MAX_BLOCK_LINES = 8
_MAX_NOTICE_LINES = 3
_MAX_SIGNATURE_LINES = 20
_MAX_COMMAND_WORDS = 6
_MAX_CONTACT_CHARACTERS = 120
_MAX_CONTACT_WORDS = 12


def remove_signatures(lines: Sequence[str]) -> list[str]:
    """Return *lines* of one stretch of text without its signature.

    A short line that asks for an opt-out is never part of a signature.
    """
    kept = [line for line in lines if not _is_added_by_program(line) or find_opt_out(line)]
    for number, line in enumerate(kept):
        if _DELIMITER.match(line):
            rest = kept[number + 1 :]
            commands = [one for one in rest[:_MAX_SIGNATURE_LINES] if is_command(one)]
            return _remove_contact_block(kept[:number]) + commands + rest[_MAX_SIGNATURE_LINES:]
        if number and _is_notice(kept[number : number + _MAX_NOTICE_LINES]):
            return _remove_contact_block(kept[:number]) + [one for one in kept[number + 1 :] if is_command(one)]
    return _remove_contact_block(kept)


def is_command(line: str) -> bool:
    """Return whether *line* is short and asks for an opt-out."""
    return len(line.split()) <= _MAX_COMMAND_WORDS and bool(find_opt_out(line))


def _is_added_by_program(line: str) -> bool:
    folded = fold(line[:300]).strip(" *_[]<>()").strip()
    return bool(_PROGRAM_LINE.match(folded) or _BANNER.match(folded))


def _is_notice(lines: Sequence[str]) -> bool:
    """Return whether *lines* begin a notice about confidentiality, which speaks of deleting and not of the person's wish."""
    return bool(_NOTICE.match(fold(lines[0][:200]))) and bool(_NOTICE_WORDS.search(fold(" ".join(lines)[:1_000])))


def _remove_contact_block(lines: list[str]) -> list[str]:
    """Remove trailing lines with a name or contact details below a closing such as "Regards,", and the closing.

    Without a closing, only lines below the first contact detail and the name above it are removed.
    """
    written = [number for number, line in enumerate(lines) if line]
    block = written[-_MAX_BLOCK_LINES:]
    for place, number in enumerate(block):
        below = block[place + 1 :]
        if _CLOSING.match(fold(lines[number])) and below and all(_is_contact_line(lines[one]) for one in below):
            return lines[:number]
    details = [number for number in block[1:] if _CONTACT.search(lines[number]) and _is_contact_line(lines[number])]
    for number in block[1:]:
        below = [one for one in block if one >= number]
        if details and details[-1] >= number and all(_is_contact_line(lines[one]) for one in below):
            return lines[:number]
    return lines


def _is_contact_line(line: str) -> bool:
    if len(line) > _MAX_CONTACT_CHARACTERS or line.endswith(("?", "!")) or find_opt_out(line):
        return False
    short = len(line.split()) <= _MAX_CONTACT_WORDS
    return bool(_NAME_LINE.match(line) or (short and _CONTACT.search(line)))
