"""Tests on a real SLURM, of one machine, that is started for them."""
