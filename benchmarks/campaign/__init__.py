"""Campaigns of many workers on a virtual clock: what claims cost, and what deaths, slow disks and odd clocks do."""
