"""A machine for the pickles that hold weights: it builds containers, numbers and strings, and calls nothing.

Python's own unpickler calls whatever a file names. This one reads the same operations, but the few names that
checkpoints need (tensors, storages, numpy arrays, OrderedDict, Namespace) are turned into plain descriptions, and any
other name is a stone: it may lie about in the file, for instance as a key. When the file wants it called, an empty
description stands for what it would have made, or reading ends (`objects.py` says which). No memory is taken that the
file does not itself fill, and the time is linear in its size.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, BinaryIO, cast

from reportgen.zoo.descriptions import ArrayRef, DType, Maker, Namespace
from reportgen.zoo.makers import fill_array, fill_dict, named, with_order
from reportgen.zoo.objects import PickleFault, Stone, Unmade, unmade

_MAX_OPERATIONS = 1_000_000  # a checkpoint with its optimizer has some hundred thousand
_MAX_LINE = 1 << 16


class Bounded:
    """A stretch of a file, from where it stands to `end`, that never gives or makes room for more than it holds."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self.file = file
        self.end = end
        self._at = file.tell()

    def read(self, count: int = -1) -> bytes:
        """Return the next `count` bytes, or as many as there are."""
        left = self.end - self._at
        data = self.file.read(left if count < 0 or count > left else count)
        self._at += len(data)
        return data

    def readline(self) -> bytes:
        """Return the bytes up to the next line end."""
        data = self.file.readline(min(_MAX_LINE, self.end - self._at))
        self._at += len(data)
        return data

    def tell(self) -> int:
        """Return the position in the file."""
        return self._at

    def skip(self, count: int) -> None:
        """Pass over `count` bytes; raises PickleFault when there are fewer."""
        if not 0 <= count <= self.end - self._at:
            raise PickleFault("is damaged or cut off (it ends before its numbers do)")
        self.file.seek(count, 1)
        self._at += count


def read_pickle(source: Bounded, *, persistent: Callable[[Any], Any] | None = None) -> Any:
    """Return the object that the next pickle of `source` describes; `source` then stands behind it.

    `persistent` resolves the pickle's references to storages. Raises PickleFault.
    """
    machine = _Machine(persistent, size=source.end - source.tell())
    try:
        operations = pickletools.genops(cast(IO[bytes], source))  # it only reads, by three methods
        for number, (opcode, argument, _position) in enumerate(operations):
            if opcode.name == "STOP":
                return machine.result()
            if number == _MAX_OPERATIONS:
                raise PickleFault("has a longer pickle than any checkpoint needs")
            machine.step(opcode.name, argument)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise PickleFault("is damaged, or is not a checkpoint (its pickle cannot be read)") from error
    raise PickleFault("is cut off (its pickle does not end)")


class _Machine:
    """The stack and the memo of one pickle, and what each operation does to them."""

    def __init__(self, persistent: Callable[[Any], Any] | None, size: int) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.persistent = persistent
        self.room = 16 * size + _MAX_LINE

    def result(self) -> Any:
        """Return the one object that is left."""
        if len(self.stack) != 1:
            raise PickleFault("is damaged (its pickle leaves no single object)")
        return self.stack[0]

    def step(self, name: str, argument: Any) -> None:
        """Execute one operation."""
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            self.stack[-count:] = [tuple(self.stack[-count:])]
        elif name in _GETS:
            self.stack.append(self.memo[int(argument)])
        elif name in _PUTS:
            self.remember(len(self.memo) if argument is None else int(argument))
        elif name in _OPERATIONS:
            _OPERATIONS[name](self, argument)
        elif name not in _IGNORED:
            raise PickleFault(f"uses the pickle operation {name}, which weights never need: nothing in it was run")

    def marked(self) -> list[Any]:
        """Take everything above the last mark."""
        if not self.marks:
            raise PickleFault("is damaged (its pickle has lost a mark)")
        place = self.marks.pop()
        taken = self.stack[place:]
        del self.stack[place:]
        return taken

    def spend(self, values: Iterable[Any]) -> None:
        """Count what a call copies: a pickle that has the same value copied again and again is a bomb."""
        self.room -= sum(len(value) for value in values if isinstance(value, str | bytes | list | tuple))
        if self.room < 0:
            raise PickleFault("unfolds to more than it holds: it is no checkpoint but a bomb")

    def remember(self, place: int) -> None:
        """Keep what is on top; a place that no pickler counts up to is refused, for such could share one hash."""
        if not 0 <= place < 1 << 32:
            raise PickleFault("is damaged (its pickle keeps something at an impossible place)")
        self.memo[place] = self.stack[-1]

    def call(self, target: Any, arguments: Any) -> Any:
        """Make what a known name stands for; of any other only a description stands, or it is refused."""
        if not isinstance(target, Maker):
            return unmade(target)
        if not isinstance(arguments, tuple):
            raise PickleFault("is damaged (its pickle calls without arguments)")
        self.spend(arguments)
        return target.make(arguments)


def _mark(machine: _Machine, _argument: Any) -> None:
    machine.marks.append(len(machine.stack))


def _pop(machine: _Machine, _argument: Any) -> None:
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _duplicate(machine: _Machine, _argument: Any) -> None:
    machine.stack.append(machine.stack[-1])


def _pop_mark(machine: _Machine, _argument: Any) -> None:
    machine.marked()


def _list(machine: _Machine, _argument: Any) -> None:
    machine.stack.append(machine.marked())


def _tuple(machine: _Machine, _argument: Any) -> None:
    machine.stack.append(tuple(machine.marked()))


def _dict(machine: _Machine, _argument: Any) -> None:
    taken = machine.marked()
    target: dict[Any, Any] = {}
    machine.stack.append(target)
    fill_dict(target, taken)


def _append(machine: _Machine, _argument: Any) -> None:
    value = machine.stack.pop()
    _extend(machine.stack[-1], [value])


def _appends(machine: _Machine, _argument: Any) -> None:
    taken = machine.marked()
    _extend(machine.stack[-1], taken)


def _set_item(machine: _Machine, _argument: Any) -> None:
    taken = machine.stack[-2:]
    del machine.stack[-2:]
    fill_dict(machine.stack[-1], taken)


def _set_items(machine: _Machine, _argument: Any) -> None:
    taken = machine.marked()
    fill_dict(machine.stack[-1], taken)


def _add_items(machine: _Machine, _argument: Any) -> None:
    taken = machine.marked()
    _extend(machine.stack[-1], taken)


def _global(machine: _Machine, argument: Any) -> None:
    module, _, name = str(argument).partition(" ")
    machine.stack.append(named(module, name))


def _stack_global(machine: _Machine, _argument: Any) -> None:
    module, name = machine.stack[-2:]
    if not (isinstance(module, str) and isinstance(name, str)):
        raise PickleFault("is damaged (its pickle names something without a name)")
    machine.stack[-2:] = [named(module, name)]


def _reduce(machine: _Machine, _argument: Any) -> None:
    target, arguments = machine.stack[-2:]
    machine.stack[-2:] = [machine.call(target, arguments)]


def _new_with_keywords(machine: _Machine, _argument: Any) -> None:
    target, arguments, _keywords = machine.stack[-3:]
    machine.stack[-3:] = [machine.call(target, arguments)]


def _object(machine: _Machine, _argument: Any) -> None:
    target, *arguments = machine.marked()
    machine.stack.append(machine.call(target, tuple(arguments)))


def _instance(machine: _Machine, argument: Any) -> None:
    module, _, name = str(argument).partition(" ")
    machine.stack.append(machine.call(named(module, name), tuple(machine.marked())))


def _build(machine: _Machine, _argument: Any) -> None:
    state = machine.stack.pop()
    target = machine.stack[-1]
    if isinstance(target, Unmade):
        target.is_network = isinstance(state, dict) and "_modules" in state and "_parameters" in state
    elif isinstance(target, ArrayRef):
        machine.spend(state)
        fill_array(target, state)
    elif isinstance(target, Namespace) and isinstance(state, dict):
        target.values.update({str(key): value for key, value in state.items() if isinstance(key, str)})
    elif isinstance(target, DType):
        machine.stack[-1] = with_order(target, state)
    elif not isinstance(target, dict):  # a state dict's own state is its version metadata, which nobody needs
        raise PickleFault(f"sets the state of {target if isinstance(target, Stone) else 'an object'}: nothing was run")


def _persistent(machine: _Machine, _argument: Any) -> None:
    if machine.persistent is None:
        raise PickleFault("is damaged (its pickle refers to storages that it does not have)")
    machine.stack.append(machine.persistent(machine.stack.pop()))


def _extend(target: Any, taken: Iterable[Any]) -> None:
    if isinstance(target, Unmade):
        return  # what a list of somebody's own kind holds is no weights
    if not isinstance(target, list):
        raise PickleFault("is damaged (its pickle extends something that is no list)")
    target.extend(taken)


_VALUES = frozenset(
    {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
    | {"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
    | {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
)
_CONSTANTS: Mapping[str, Callable[[], Any]] = {
    **{"NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False},
    # A set only ever holds facts about training here: kept as a list, it needs no hashing.
    **{"EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict, "EMPTY_SET": list},
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
_IGNORED = frozenset({"PROTO", "FRAME"})
_OPERATIONS: Mapping[str, Callable[[_Machine, Any], None]] = {
    **{"MARK": _mark, "POP": _pop, "DUP": _duplicate, "POP_MARK": _pop_mark, "LIST": _list, "TUPLE": _tuple},
    **{"DICT": _dict, "APPEND": _append, "APPENDS": _appends, "SETITEM": _set_item, "SETITEMS": _set_items},
    **{"ADDITEMS": _add_items, "FROZENSET": _list, "GLOBAL": _global, "STACK_GLOBAL": _stack_global},
    **{"REDUCE": _reduce, "NEWOBJ": _reduce, "NEWOBJ_EX": _new_with_keywords, "OBJ": _object, "INST": _instance},
    **{"BUILD": _build, "BINPERSID": _persistent},
}
