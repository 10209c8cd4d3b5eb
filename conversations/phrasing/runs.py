"""Words within a line: what is bold, italic or struck through, and addresses. Knows nothing of blocks.

WhatsApp's signs hold within one line, and not within a word. Meta documents neither: it is what its clients do.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from markdown_it.tree import SyntaxTreeNode

BOLD, ITALIC, STRUCK = "*", "_", "~"
SIGNS = (BOLD, ITALIC, STRUCK)
Styles = frozenset[str]
PLAIN: Styles = frozenset()

TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-z][a-z0-9]*)\b[^>]*>", re.IGNORECASE)
STYLE_OF_TAG = {"b": BOLD, "strong": BOLD, "i": ITALIC, "em": ITALIC, "s": STRUCK, "del": STRUCK, "strike": STRUCK}
BREAKS = {"br", "p", "div", "ul", "ol", "li", "tr"}
UNSEEN = {
    "span",
    "u",
    "ins",
    "sub",
    "sup",
    "small",
    "mark",
    "font",
    "center",
    "kbd",
    "details",
    "summary",
    "table",
    "td",
}


class Run(NamedTuple):
    """Words in one style."""

    text: str
    styles: Styles = PLAIN


class Reader:
    """Reads what markdown-it found in a line. `star`: what one star on either side means."""

    def __init__(self, star: str) -> None:
        """HTML tags open at one place and close at another: `tags` is what is open."""
        self.star = star
        self.tags = PLAIN
        self.readers: dict[str, Callable[[SyntaxTreeNode, Styles], Iterable[Run]]] = {
            "text": lambda node, styles: [Run(node.content, styles | self.tags)],
            "softbreak": lambda node, styles: [Run("\n")],
            "hardbreak": lambda node, styles: [Run("\n")],
            "bare_url": lambda node, styles: [Run(node.content)],
            "code_inline": lambda node, styles: [Run(_code(node.content), styles)],
            "strong": lambda node, styles: self.read(node.children, styles | {BOLD}),
            "em": lambda node, styles: self.read(node.children, styles | {self.star if node.markup == "*" else ITALIC}),
            "s": lambda node, styles: self.read(node.children, styles | {STRUCK}),
            "link": self._link,
            "image": self._image,
            "html_inline": self._tag,
        }

    def read(self, nodes: Iterable[SyntaxTreeNode], styles: Styles = PLAIN) -> Iterator[Run]:
        for node in nodes:
            yield from self.readers[node.type](node, styles)

    def _link(self, node: SyntaxTreeNode, styles: Styles) -> Iterator[Run]:
        return _named(list(self.read(node.children, styles)), str(node.attrs.get("href", "")))

    def _image(self, node: SyntaxTreeNode, styles: Styles) -> Iterator[Run]:
        """Within a link, its description alone: the link's address is the one that matters."""
        words = list(self.read(node.children, styles))
        linked = node.parent is not None and node.parent.type == "link"
        return iter(words) if linked else _named(words, str(node.attrs.get("src", "")))

    def _tag(self, node: SyntaxTreeNode, styles: Styles) -> Iterator[Run]:
        """A tag that is none of HTML's, such as <your name>, is words."""
        tag = TAG.fullmatch(node.content)
        name = tag["name"].lower() if tag else ""
        if tag and name in STYLE_OF_TAG:
            style = {STYLE_OF_TAG[name]}
            self.tags = self.tags - style if tag["end"] else self.tags | style
        elif tag and name in BREAKS:
            yield Run("\n- " if name == "li" and not tag["end"] else "\n" if name != "li" else "")
        elif name not in UNSEEN and not node.content.startswith("<!--"):
            yield Run(node.content, styles | self.tags)


def _code(content: str) -> str:
    """WhatsApp knows one sign for code in a line: with that sign in it, it stands as a block does."""
    return f"```{content}```" if "`" in content else f"`{content}`"


def _named(words: Sequence[Run], address: str) -> Iterator[Run]:
    """What a link says, and where it leads; once, when that is the same. The address has no signs to spoil it."""
    name = "".join(run.text for run in words).strip()
    scheme, _colon, rest = address.partition(":")
    shown = rest if scheme in ("mailto", "tel") else address
    if not address or address.startswith("#"):
        yield from words
    elif not name or _bare(name) == _bare(shown):
        yield Run(name if shown != address else address)
    else:
        yield from words
        yield Run(f" {shown}" if name.endswith(":") else f": {shown}")


def _bare(address: str) -> str:
    return re.sub(r"^https?://|^www\.|[\s()]|/$", "", address.casefold().replace("https://www.", "https://"))


def written(runs: Iterable[Run]) -> str:
    """The runs with WhatsApp's signs, which touch the words that they are around and end with each line."""
    text, opened = "", list[str]()
    for words, styles in [*_pieces(runs), Run("")]:
        closed = False
        while not styles.issuperset(opened):
            text, closed = text + opened.pop(), True
        if closed and words[:1].isascii() and words[:1].isalnum():
            text += " "  # the sign would not be one within a word
        for sign in SIGNS:
            if sign in styles and sign not in opened:
                opened.append(sign)
                text += sign
        text += words
    return text


def _pieces(runs: Iterable[Run]) -> list[Run]:
    """Words and spaces; a space has the styles that the words on both sides of it share."""
    pieces = [Run(piece, run.styles) for run in runs for piece in re.split(r"(\s+)", run.text) if piece]
    around = [PLAIN, *(piece.styles for piece in pieces), PLAIN]
    return [
        Run(piece.text, PLAIN if "\n" in piece.text else around[number] & around[number + 2])
        if piece.text.isspace()
        else piece
        for number, piece in enumerate(pieces)
    ]
