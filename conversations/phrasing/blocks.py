"""Markdown becomes WhatsApp's markup: paragraphs, headings, lists, quotes, code and tables.

Knows what a customer can read on a phone; nothing of where the words come from or go to.
"""

import re
from collections.abc import Callable, Sequence

from markdown_it.tree import SyntaxTreeNode

from conversations.phrasing.markdown import parse
from conversations.phrasing.runs import BOLD, ITALIC, PLAIN, Reader, Run, Styles, written

# What Markdown alone has. Where there is none of it, `*this*` is WhatsApp's bold already: a tenant's prompt may ask for
# it, and a model that reads its earlier answers as the customer got them writes on in their way.
ONLY_MARKDOWN = {"heading", "image", "link", "s", "strong", "table"}
CHECKBOX = re.compile(r"\[([ xX])\] ")
LONGEST_PAIR = 60
# What a fence says about its code, and no customer needs. Any other word there is one of the answer's.
LANGUAGES = {
    *("bash", "c", "cpp", "css", "csv", "go", "html", "http", "java", "javascript", "js", "json", "kotlin", "md"),
    *("markdown", "php", "plaintext", "py", "python", "rb", "ruby", "rust", "sh", "shell", "sql", "swift", "text"),
    *("toml", "ts", "txt", "typescript", "xml", "yaml", "yml"),
}


def to_whatsapp(text: str) -> str:
    """The Markdown of a language model in WhatsApp's markup. Text that is no Markdown comes out as it went in."""
    root = parse(text)
    markdown = any(node.type in ONLY_MARKDOWN for node in root.walk())
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _Writer(lines, ITALIC if markdown else BOLD).blocks(root.children).strip()


def _code(node: SyntaxTreeNode) -> str:
    """The code as it is. WhatsApp has no place for its language."""
    word = node.info.strip()
    said = f"{word}\n" if word and word.lower() not in LANGUAGES else ""
    return f"```\n{said}{node.content}```"


class _Writer:
    """Writes the blocks of one text, as far apart as they were."""

    def __init__(self, lines: Sequence[str], star: str) -> None:
        """The lines tell how far apart; `star` is what one star on either side means."""
        self.lines = lines
        self.star = star
        self.writers: dict[str, Callable[[SyntaxTreeNode], str]] = {
            "paragraph": self._words,
            "heading": lambda node: self._words(node, frozenset({BOLD})),
            "hr": lambda node: "",
            "fence": _code,
            "blockquote": lambda node: _quoted(self.blocks(node.children)),
            "bullet_list": self._list,
            "ordered_list": self._list,
            "table": self._table,
        }

    def blocks(self, nodes: Sequence[SyntaxTreeNode]) -> str:
        return self._apart([(node, self.writers[node.type](node)) for node in nodes])

    def _apart(self, written_nodes: Sequence[tuple[SyntaxTreeNode, str]]) -> str:
        text, ruled = "", False
        for node, block in written_nodes:
            if text and block:
                text += "\n" * (1 + max(self._blank_lines_before(node), ruled))
            ruled = (ruled or node.type == "hr") and not block
            text += block
        return text

    def _blank_lines_before(self, node: SyntaxTreeNode) -> int:
        line = first = node.map[0] if node.map else 0
        while line and not self.lines[line - 1].strip("> \t"):
            line -= 1
        return first - line

    def _runs(self, node: SyntaxTreeNode, styles: Styles = PLAIN) -> list[Run]:
        return [run for line in node.children for run in Reader(self.star).read(line.children, styles)]

    def _words(self, node: SyntaxTreeNode, styles: Styles = PLAIN) -> str:
        return "\n".join(line.strip() for line in written(self._runs(node, styles)).strip().split("\n"))

    # ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _list(self, node: SyntaxTreeNode) -> str:
        """With its own numbers; all the same ones, as Markdown allows, are counted up."""
        numbers = [item.info for item in node.children]
        if len(set(numbers)) == 1 and numbers[0]:
            numbers = [str(int(numbers[0]) + place) for place in range(len(numbers))]
        items = zip(node.children, numbers, strict=True)
        return self._apart([(item, self._item(item, number)) for item, number in items])

    def _item(self, node: SyntaxTreeNode, number: str) -> str:
        """What hangs from it is indented. A plus stays: `+ VAT` is no item with a dash."""
        sign = node.markup if node.markup not in "*-" else "-"
        mark = f"{number}{sign} "
        text = CHECKBOX.sub(lambda box: "☐ " if box[1] == " " else "☑ ", self.blocks(node.children), count=1)
        first, *others = text.split("\n")
        return "\n".join([f"{mark}{first}".rstrip(), *((" " * len(mark) + line).rstrip() for line in others)])

    # ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _table(self, node: SyntaxTreeNode) -> str:
        """A small table of two columns is a line for each row; any other, a paragraph for each row."""
        head, *rows = [[self._runs(cell) for cell in row.children] for part in node.children for row in part.children]
        names = [_cell(runs) for runs in head]
        texts = [[_cell(runs) for runs in row] for row in rows]
        if len(names) == 1:
            return "\n".join([_bold(names[0]), *(f"- {row[0]}" for row in texts if row[0])]).strip()
        if len(names) == 2 and all(len(": ".join(row)) <= LONGEST_PAIR for row in texts):
            return "\n".join([_bold(_pair(*names)), *(_pair(*row) for row in texts)]).strip()
        return "\n\n".join(_row(names, row) for row in texts) or _bold(_pair(*names))


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _cell(runs: Sequence[Run]) -> str:
    """On one line, whatever was in it."""
    lines = [line.strip() for line in written(runs).split("\n")]
    return ", ".join(filter(None, lines))


def _bold(text: str) -> str:
    return written([Run(text.replace(BOLD, ""), frozenset({BOLD}))])


def _pair(name: str, *values: str) -> str:
    name, value = name.removesuffix(":"), ", ".join(filter(None, values))
    return f"{name}: {value}" if name and value else name or value


def _row(names: Sequence[str], texts: Sequence[str]) -> str:
    cells = zip(names, texts, strict=True)
    return "\n".join(_pair(_bold(name), text) for name, text in cells if text)
