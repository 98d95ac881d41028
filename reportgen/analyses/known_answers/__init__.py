"""Known answers: planted cases, computed with a run, that say whether this installation finds what it must."""
