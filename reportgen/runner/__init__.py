"""From options to finished runs: what to ask, asking it, and keeping every answer as soon as it is there."""
