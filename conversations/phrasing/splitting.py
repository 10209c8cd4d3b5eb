"""A long text becomes parts that WhatsApp takes: few, well filled, and cut where a reader would pause.

Knows WhatsApp's markup, which it closes at a cut and opens again behind it; nothing but white space is lost.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

FENCE = "```"
CODE = re.compile(r"```.*?```", re.DOTALL)
SIGNS = "*_~`"
SPARE = len("\n" + FENCE)  # room to close what is open: a block of code, or one of each sign
# What a part opens with when a quote, a block of code or styled words go on in it.
OPENING = re.compile(rf"{FENCE}\n|(?:> )?[{SIGNS}]*")

# Each pattern ends where a cut may be. Abbreviations ("Sr. Gil") and numbers ("1. Bread") end no sentence.
PARAGRAPH = re.compile(r"(?=\n\s*\n)")
LINE = re.compile(r"(?=\n)")
SENTENCE = re.compile(
    r"(?:[!?…؟۔।]|(?<!\d)(?<!\b[^\W\d_])(?<!\b[A-ZÁÉÍÓÚÑ][^\W\d_])(?<!\b[A-ZÁÉÍÓÚÑ][^\W\d_]{2})\.)"
    r"[\"'”’»)\]*_~]*(?=\s+(?![a-zß-ÿ]))"
    r"|[。！？][」』”’）*_~]*"
)
WORD = re.compile(r"(?=\s)")
Kinds = Sequence[Sequence[re.Pattern[str]]]
# Which cuts to look for, the dearest first. The first of these that makes the fewest parts is taken: a part more costs
# money, so sentences are parted for it, but never words.
WAYS: Sequence[Kinds] = (
    ([PARAGRAPH], [LINE], [SENTENCE], [WORD]),
    ([PARAGRAPH, LINE], [SENTENCE], [WORD]),
    ([PARAGRAPH, LINE, SENTENCE], [WORD]),
)
JOINER = "\u200d"


class Span(NamedTuple):
    """Where a sign opens and where it closes."""

    start: int
    end: int
    sign: str


def split(text: str, limit: int = 4096) -> list[str]:
    """Parts of at most `limit` characters, none empty. The limit leaves room for markup: 40 at least."""
    parts = min((_parts(text.strip(), limit, kinds) for kinds in WAYS), key=len)
    return [piece for part in parts for piece in _within(part, limit) if piece.strip()]


def _within(part: str, limit: int) -> list[str]:
    """The part as it is, but where markup piles up so that closing it takes more room than there was: cut anywhere."""
    return [part[start : start + limit] for start in range(0, len(part), limit)]


def _parts(text: str, limit: int, kinds: Kinds) -> list[str]:
    parts = []
    while len(text) > limit:
        part, text = _divide(text, limit - SPARE, kinds)
        parts.append(part)
    return [*parts, text] if text else parts


def _divide(text: str, room: int, kinds: Kinds) -> tuple[str, str]:
    blocks = [block.span() for block in CODE.finditer(text)]
    cut = _cut(text, room, kinds, blocks)
    if any(start < cut < end for start, end in blocks):
        return f"{text[:cut].rstrip()}\n{FENCE}", f"{FENCE}\n" + text[cut:].lstrip("\n")
    line, offset = _line_at(text, cut)
    opened = "".join(span.sign for span in _spans(line) if span.start < offset <= span.end)
    quote = "> " if line.startswith("> ") and line[offset:].strip() else ""
    return text[:cut].rstrip() + opened[::-1], quote + opened + text[cut:].lstrip()


def _line_at(text: str, cut: int) -> tuple[str, int]:
    """The line that is cut, and where in it."""
    start = text.rfind("\n", 0, cut) + 1
    end = text.find("\n", cut)
    return text[start : end if end >= 0 else len(text)], cut - start


def _cut(text: str, room: int, kinds: Kinds, blocks: Sequence[tuple[int, int]]) -> int:
    """The last good place. Never in what a part opens with, so that each cut leaves less to be cut."""
    opening = OPENING.match(text)
    first = opening.end() + 1 if opening else 1

    def is_good(cut: int, kind: re.Pattern[str]) -> bool:
        if any(start < cut <= start + SPARE or end - SPARE < cut < end for start, end in blocks):
            return False
        if any(start < cut < end for start, end in blocks):
            return kind in (LINE, WORD)
        return kind not in (PARAGRAPH, LINE) or not _announces(_line_at(text, cut)[0])

    for group in kinds:
        ends = [(match.end(), kind) for kind in group for match in kind.finditer(text, first, room + SPARE)]
        if cuts := [cut for cut, kind in ends if cut <= room and is_good(cut, kind)]:
            return max(cuts)
    return _hard_cut(text, room, first, blocks)


def _announces(line: str) -> bool:
    """A heading, or words that lead to what comes next: they do not stand last in a part."""
    line = line.strip()
    return line.endswith((":", ":*")) or (len(line) > 2 and line[0] == line[-1] == "*" and "*" not in line[1:-1])


def _hard_cut(text: str, room: int, first: int, blocks: Sequence[tuple[int, int]]) -> int:
    """Within a word, where there is no other way; but not within one character as people see it, or within a sign."""
    cut = room
    while cut > first and _belongs_to_the_last(text, cut):
        cut -= 1
    for start, end in blocks:
        if start < cut <= start + SPARE and start > first:
            cut = start
        elif end - SPARE < cut < end:
            cut = end
    line, offset = _line_at(text, cut)
    begin, spans = cut - offset, _spans(line)
    for span in reversed(spans):
        if cut == begin + span.start + 1 and cut > first:
            cut -= 1
    while any(cut == begin + span.end for span in spans):
        cut += 1
    return cut


def _belongs_to_the_last(text: str, place: int) -> bool:
    """Whether the character here is one with what stands before it: an accent, a part of an emoji or of a flag."""
    last, here = text[place - 1], text[place]
    if _is_regional(last) and _is_regional(here):
        flags = text[:place]
        return (len(flags) - len(flags.rstrip(REGIONAL))) % 2 == 1
    return last == JOINER or here == JOINER or unicodedata.category(here) in ("Mn", "Mc", "Me") or _is_modifier(here)


REGIONAL = "".join(chr(code) for code in range(0x1F1E6, 0x1F200))


def _is_regional(character: str) -> bool:
    return character in REGIONAL


def _is_modifier(character: str) -> bool:
    """A skin tone, or a letter in the flag of a region; or the second half of a character of UTF-16."""
    code = ord(character)
    return 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F or 0xDC00 <= code <= 0xDFFF


def _spans(line: str) -> list[Span]:
    """What is bold, italic, struck through or code in this line, as WhatsApp reads it."""
    spans: list[Span] = []
    opened: dict[str, int] = {}
    for place, sign in enumerate(line):
        if sign not in SIGNS or ("`" in opened and sign != "`"):
            continue
        before, after = line[place - 1 : place] or " ", line[place + 1 : place + 2] or " "
        if sign in opened and not before.isspace() and not after.isalnum():
            spans.append(Span(opened[sign], place, sign))
            opened = {other: start for other, start in opened.items() if start < opened[sign]}
        elif sign not in opened and not before.isalnum() and not after.isspace():
            opened[sign] = place
    return sorted(spans)
