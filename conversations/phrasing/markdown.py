"""Markdown as models of language write it, read by markdown-it. Knows where the standard would harm plain words.

Rules that would are switched off: indented code, underlined headings, blocks of HTML, and definitions of links, which
would vanish from the text.
"""

import re
from unicodedata import east_asian_width

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.tree import SyntaxTreeNode

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*$", re.IGNORECASE)
LONGEST_SCHEME = 12
REST_OF_URL = re.compile(r"://[^\s<>\[\]\"`|]+")
DEEPEST = 3  # with more spaces before it, nothing begins in the middle of a paragraph
NOT_OF_URL = ".,;:!?*_~'()"  # at its end


class _MarkdownIt(MarkdownIt):
    """Addresses stay as they were written."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802  its name there
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802  its name there
        return link


def parse(text: str) -> SyntaxTreeNode:
    return SyntaxTreeNode(MARKDOWN.parse(text))


def _paragraph(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A paragraph, which ends with its list or quote: models often leave no line between these and what comes next.

    The standard takes such a line into the last item, where it would be indented.
    """
    rules, outer = state.md.block.ruler.getRules("paragraph"), state.parentType
    state.parentType = "paragraph"
    line = first + 1
    while line < end and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent:
        if state.sCount[line] - state.blkIndent <= DEEPEST and any(rule(state, line, end, True) for rule in rules):
            break
        line += 1
    state.line, state.parentType = line, outer
    state.push("paragraph_open", "p", 1).map = [first, line]
    words = state.push("inline", "", 0)
    words.content, words.map = state.getLines(first, line, state.blkIndent, False).strip(), [first, line]
    words.children = []
    state.push("paragraph_close", "p", -1)
    return True


def _emphasis(state: StateInline, silent: bool) -> bool:
    """`*` and `_` around words, never within them: 2*3*4 and snake_case are no emphasis, and WhatsApp has none there.

    Otherwise more lenient than the standard, which leaves the signs in `**Price:**20` or `这是**重点**内容`.
    """
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    length = state.scanDelims(state.pos, canSplitWord=False).length
    opens, closes = _flanks(state, marker, length)
    for _number in range(length):
        state.push("text", "", 0).content = marker
        state.delimiters.append(Delimiter(ord(marker), length, len(state.tokens) - 1, -1, opens, closes))
    state.pos += length
    return True


def _flanks(state: StateInline, marker: str, length: int) -> tuple[bool, bool]:
    """Whether a word may begin behind these signs, and whether one may end before them."""
    before = state.src[state.pos - 1] if state.pos else " "
    after = state.src[state.pos + length] if state.pos + length < state.posMax else " "
    spaceless = marker == "*" and (_is_wide(before) or _is_wide(after))
    glued = marker == "*" and length > 1 and not before.isalnum()
    opens = not after.isspace() and (spaceless or not before.isalnum())
    closes = not before.isspace() and (spaceless or glued or not after.isalnum())
    return opens, closes


def _is_wide(character: str) -> bool:
    """Of a script that puts no spaces between words."""
    return character.isalpha() and east_asian_width(character) in "WF"


def _bare_url(state: StateInline, silent: bool) -> bool:
    """An address in the text: its underscores and stars are its own."""
    scheme = SCHEME.search(state.pending[-LONGEST_SCHEME:]) if state.src[state.pos] == ":" else None
    rest = REST_OF_URL.match(state.src, state.pos, state.posMax) if scheme else None
    if not scheme or not rest:
        return False
    url = rest.group().rstrip(NOT_OF_URL)
    if len(url) <= len("://"):
        return False
    if not silent:
        state.pending = state.pending.removesuffix(scheme.group())
        state.push("bare_url", "", 0).content = scheme.group() + url
    state.pos += len(url)
    return True


def _markdown() -> MarkdownIt:
    markdown = _MarkdownIt("commonmark", {"maxNesting": 60}).enable(["table", "strikethrough"])
    markdown.disable(["code", "lheading", "html_block", "reference"])
    markdown.block.ruler.at("paragraph", _paragraph)
    markdown.inline.ruler.at("emphasis", _emphasis)
    markdown.inline.ruler.before("emphasis", "bare_url", _bare_url)
    return markdown


MARKDOWN = _markdown()
