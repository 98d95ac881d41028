"""How a report is cited."""

from __future__ import annotations

from reportgen.outputs.citation import CitedNetwork, ReportCitation


def citation(commit: str | None = "0123456789abcdef" * 2 + "01234567") -> ReportCitation:
    networks = [CitedNetwork("Net_50 & co", "ab" * 32, False), CitedNetwork("Other", "cd" * 32, True)]
    return ReportCitation("What {Net} sees", "2026-03-07", commit, networks)


def test_a_citation_names_date_program_commit_and_weights() -> None:
    said = citation().sentence
    assert "2026-03-07" in said
    assert "commit 0123456789ab" in said
    assert "weights abababababababab" in said
    assert "Other: untrained" in said
    assert "commit" not in citation(None).sentence


def test_bibtex_reads_no_sign_of_a_name_as_a_command() -> None:
    entry = citation().bibtex
    assert entry.startswith("@misc{what-net-sees-2026,\n")
    assert entry.count("{") - entry.count(r"\{") == entry.count("}") - entry.count(r"\}")
    assert r"Net\_50 \& co" in entry
    assert "year = {2026}" in entry
    assert "month = {3}" in entry


def test_bibtex_sorts_a_report_that_names_no_author() -> None:
    entry = citation().bibtex
    key = entry.partition("{")[2].partition(",")[0].rpartition("-")[0]
    assert key
    assert f"  key = {{{key}}}," in entry
