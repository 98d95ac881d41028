"""The theme's style sheets without what no page of a site can match: two thirds of what a page would load of them.

A selector is taken out where it asks for a class, an identity, an element or an attribute's value that neither the
pages nor the scripts of the site name; a custom property where nothing reads it. What a script makes of parts (a class
put together from two words) would be missed: the scripts of the site put none together for the theme.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import tinycss2

from reportgen.records.jobs import content_digest

_TAG = re.compile(r"<([a-zA-Z][\w-]*)((?:\s+[\w:-]+(?:=\"[^\"]*\")?)*)")
_ATTRIBUTE = re.compile(r"([\w:-]+)(?:=\"([^\"]*)\")?")
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_ASKED = re.compile(r"\[\s*([\w:-]+)")
_READ = re.compile(r"var\(\s*(--[\w-]+)")


@dataclass(frozen=True)
class NamedParts:
    """What a site names: words that its scripts hold, and of its pages the elements, classes, attributes, and the
    custom properties that they read.
    """

    words: frozenset[str]
    elements: frozenset[str]
    classes: frozenset[str]
    attributes: frozenset[tuple[str, str]]
    read: frozenset[str]

    @classmethod
    def of(cls, pages: Iterable[str], scripts: Iterable[str]) -> NamedParts:
        """Return what the texts of pages and scripts name."""
        elements: set[str] = set()
        attributes: set[tuple[str, str]] = set()
        read: set[str] = set()
        for page in pages:
            read.update(_READ.findall(page))
            for element, told in set(_TAG.findall(page)):
                elements.add(element.lower())
                attributes.update(_ATTRIBUTE.findall(told))
        classes = frozenset(name for key, value in attributes if key == "class" for name in value.split())
        words = frozenset(word for script in scripts for word in _WORD.findall(script))
        return cls(words, frozenset(elements), classes, frozenset(attributes), frozenset(read))

    def digest(self, asked: Container[str]) -> str:
        """Return the digest of all that the styles may ask for: of attributes, those whose names are `asked` for."""
        pairs = [pair for pair in self.attributes if pair[0] in asked]
        return content_digest(
            [sorted(self.words), sorted(self.elements), sorted(self.classes), sorted(self.read), sorted(pairs)]
        )

    def has_class(self, name: str) -> bool:
        """Whether an element may have a class."""
        return name in self.classes or name in self.words

    def has_element(self, name: str) -> bool:
        """Whether a page may have an element of a name."""
        return name.lower() in self.elements or name in self.words

    def has_attribute(self, name: str, value: str) -> bool:
        """Whether an element may have an attribute with just this value."""
        return (name, value) in self.attributes


def asked_attributes(styles: Iterable[str]) -> frozenset[str]:
    """Return the names of the attributes that the selectors of style sheets ask for."""
    return frozenset(("id", "class", *(name for style in styles for name in _ASKED.findall(style))))


def without_unused(styles: Mapping[str, str], named: NamedParts, others: Iterable[str]) -> dict[str, str]:
    """Return style sheets without rules that match nothing of a site, and without properties that nothing reads.

    `others` are the texts that may read custom properties beside pages: the site's own styles and its scripts.
    """
    read = named.read | _read(others)
    rules = {name: _reduced(_parsed(style), partial(_has_match, named)) for name, style in styles.items()}
    kept = {name: _serialized(nodes) for name, nodes in rules.items()}
    while True:
        declares = partial(_declares, read | _read(kept.values()))
        rules = {name: _reduced(nodes, declares) for name, nodes in rules.items()}
        before, kept = kept, {name: _serialized(nodes) for name, nodes in rules.items()}
        if kept == before:
            return kept


def _parsed(style: str) -> list[Any]:
    """Return the rules of a style sheet; the content of those with a condition is rules, too."""
    return _with_inner(tinycss2.parse_stylesheet(style, skip_comments=True, skip_whitespace=True))


def _with_inner(nodes: list[Any]) -> list[Any]:
    for node in nodes:
        if _is_condition(node):
            node.content = _with_inner(tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True))
    return nodes


def _is_condition(node: Any) -> bool:
    return node.type == "at-rule" and node.content is not None and node.lower_at_keyword in ("media", "supports")


def _serialized(nodes: list[Any]) -> str:
    text: str = tinycss2.serialize(nodes)
    return text


def _read(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(name for text in texts for name in _READ.findall(text))


def _reduced(nodes: Iterable[Any], reduce: Callable[[Any], bool]) -> list[Any]:
    """Return the rules of which `reduce` leaves something, and conditions that still hold rules."""
    found = []
    for node in nodes:
        if _is_condition(node):
            node.content = _reduced(node.content, reduce)
            if not node.content:
                continue
        elif node.type == "qualified-rule" and not reduce(node):
            continue
        found.append(node)
    return found


def _has_match(named: NamedParts, rule: Any) -> bool:
    """Leave a rule the selectors that may match something, and return whether there are any."""
    rule.prelude = _joined([one for one in _split(rule.prelude, ",") if _may_match(one, named)], ",")
    return bool(rule.prelude)


def _declares(used: frozenset[str], rule: Any) -> bool:
    """Leave a rule the declarations but for custom properties that nothing reads; return whether there are any."""
    rule.content = _joined([one for one in _split(rule.content, ";") if one and not _is_unread(one, used)], ";")
    return bool(rule.content)


def _split(tokens: Iterable[Any], sign: str) -> list[list[Any]]:
    parts: list[list[Any]] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == sign:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _joined(parts: Iterable[list[Any]], sign: str) -> list[Any]:
    between = tinycss2.ast.LiteralToken(0, 0, sign)
    return [token for part in parts for token in (between, *part)][1:]


def _may_match(selector: list[Any], named: NamedParts) -> bool:
    """Whether a site can have what a selector asks for; what stands in ``:not()`` and its like is not asked for."""
    before = ""
    for token in selector:
        match token.type:
            case "ident" if before == ".":
                possible = named.has_class(token.value)
            case "ident" if before != ":":
                possible = named.has_element(token.value)
            case "hash":
                possible = named.has_attribute("id", token.value) or token.value in named.words
            case "[] block":
                possible = _may_have(token.content, named)
            case _:
                possible = True
        if not possible:
            return False
        before = token.value if token.type == "literal" else ""
    return True


def _may_have(asked: list[Any], named: NamedParts) -> bool:
    """Whether an element can have the attribute that ``[...]`` asks for; only whole values are looked for."""
    parts = [token for token in asked if token.type != "whitespace"]
    match parts:
        case [name, equal, value] if equal.type == "literal" and equal.value == "=":
            return named.has_attribute(name.value, value.value)
        case _:
            return True


def _is_unread(declaration: list[Any], used: frozenset[str]) -> bool:
    name = next((token for token in declaration if token.type != "whitespace"), None)
    return name is not None and name.type == "ident" and name.value.startswith("--") and name.value not in used
