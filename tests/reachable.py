"""Which definitions of the package anything but a test can reach, read from the source."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

Place = tuple[str, str]
"""A module and a name that it defines."""

_REGISTERS = ("register", "command", "group")
"""Decorators that make a function known to those who call it."""


class Source:
    """The top level of some modules, by their names: what each defines, imports and does when it is loaded."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self.trees = trees
        self.definitions: dict[Place, list[ast.AST]] = defaultdict(list)
        self.loading: dict[str, list[ast.AST]] = {module: [] for module in trees}
        self.imported: dict[str, dict[str, Place | str]] = {module: {} for module in trees}
        for module, tree in trees.items():
            self._note_imports(module, tree)
            for node in tree.body:
                self._note(module, node)

    def _note_imports(self, module: str, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    found = inner if inner in self.trees else (node.module, alias.name)
                    self.imported[module][alias.asname or alias.name] = found
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    self.imported[module][alias.asname or alias.name.split(".")[0]] = alias.name

    def _note(self, module: str, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.definitions[module, node.name].append(node)
            self.loading[module] += node.decorator_list
            if any(ast.unparse(each).split("(")[0].endswith(_REGISTERS) for each in node.decorator_list):
                self.loading[module].append(ast.Name(node.name))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in (each for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)):
                self.definitions[module, name.id].append(node)
        elif not isinstance(node, ast.Import | ast.ImportFrom) and "TYPE_CHECKING" not in ast.unparse(node):
            self.loading[module].append(node)

    def found(self, module: str, name: str) -> Place | str | None:
        """Return what a name means in a module: a definition, another module, or None of what is not the package's."""
        seen: set[Place] = set()
        while (module, name) not in self.definitions and (module, name) not in seen:
            seen.add((module, name))
            target = self.imported.get(module, {}).get(name)
            if not isinstance(target, tuple):
                return target
            module, name = target
        return (module, name) if (module, name) in self.definitions else None

    def uses(self, module: str, node: ast.AST) -> Iterator[Place]:
        """Yield the definitions that a piece of a module speaks of, by their names or as a module's attributes."""
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and isinstance(place := self.found(module, each.id), tuple):
                yield place
            elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
                other = self.found(module, each.value.id)
                if isinstance(other, str) and isinstance(place := self.found(other, each.attr), tuple):
                    yield place

    def unreached(self, roots: Iterable[Place]) -> set[Place]:
        """Return the definitions that neither `roots`, nor what loading the modules does, lead to."""
        waiting = [
            place for module, nodes in self.loading.items() for node in nodes for place in self.uses(module, node)
        ]
        waiting += [place for root in roots if isinstance(place := self.found(*root), tuple)]
        reached: set[Place] = set()
        while waiting:
            place = waiting.pop()
            if place not in reached:
                reached.add(place)
                waiting += [other for node in self.definitions[place] for other in self.uses(place[0], node)]
        return set(self.definitions) - reached
