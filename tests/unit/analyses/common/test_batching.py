"""How much at once, and what was seen to be too much."""

from __future__ import annotations

import pytest
import torch

from reportgen.analyses.common.batching import first_fault, reduced_precision_pays, slots_for


def test_memory_that_torch_keeps_for_reuse_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10 * 2**30, 80 * 2**30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 60 * 2**30)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 20 * 2**30)
    assert slots_for(2**30, torch.device("cuda")) == 20  # four fifths of 50 GiB, 2 GiB each
    assert slots_for(2**30, torch.device("cuda"), waiting=2 * 2**30) == 10


@pytest.mark.parametrize("has_units", [True, False])
def test_a_gpu_that_only_emulates_bfloat16_computes_in_float32(
    monkeypatch: pytest.MonkeyPatch, has_units: bool
) -> None:
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: has_units or including_emulation
    )
    assert reduced_precision_pays(torch.device("cuda")) is has_units


@pytest.mark.parametrize(
    ("has", "pays"),
    [({"amx_bf16": True}, True), ({"avx512_bf16": True}, True), ({"avx512_f": True, "avx512_bf16": False}, False)],
)
def test_a_processor_computes_in_bfloat16_only_where_it_has_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, has: dict[str, bool], pays: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert reduced_precision_pays(torch.device("cpu")) is pays


def test_a_fault_is_looked_for_with_as_many_slots_as_memory_holds() -> None:
    asked: list[tuple[str, int]] = []

    def fault(part: str, slots: int) -> str | None:
        asked.append((part, slots))
        if slots > 3:
            raise torch.OutOfMemoryError("no room")
        return "wrong" if part == "b" else None

    assert first_fault(["a", "b"], 12, fault) == (3, "wrong")
    assert asked == [("a", 12), ("a", 6), ("a", 3), ("b", 3)]
    assert first_fault(["a"], 2, fault) == (2, None)
    assert first_fault([], 12, fault) == (12, None)


def test_what_memory_does_not_hold_of_a_single_slot_is_a_fault() -> None:
    def full(part: str, slots: int) -> str | None:
        raise torch.OutOfMemoryError("no room")

    slots, fault = first_fault(["a"], 4, full)
    assert slots == 1
    assert fault is not None


def test_other_errors_are_not_faults() -> None:
    def broken(part: str, slots: int) -> str | None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        first_fault(["a"], 4, broken)
