"""Templates as they were compiled before: by this program in this process, or by an earlier render of the same site."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import ClassVar

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class CompiledTemplates(BytecodeCache):
    """What Jinja compiles templates to, in base64 by its own keys: `before` by an earlier render, `kept` for the next.

    Jinja takes none that was made from another text, or by another Python or Jinja. What is in it is executed: `before`
    must come from where nobody but the user writes, and from this same program, whose filters have a part in it.
    """

    _of_this_process: ClassVar[dict[str, str]] = {}

    def __init__(self, before: Mapping[str, str] | None = None) -> None:
        self.kept: dict[str, str] = dict(before or {})

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template its code, where that is known."""
        found = self._of_this_process.get(bucket.key) or self.kept.get(bucket.key)
        if found is None:
            return
        try:
            bucket.bytecode_from_string(base64.b64decode(found, validate=True))
        except binascii.Error:
            return
        if bucket.code is not None:
            self.kept[bucket.key] = found

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template that was compiled."""
        found = base64.b64encode(bucket.bytecode_to_string()).decode("ascii")
        self._of_this_process[bucket.key] = self.kept[bucket.key] = found
