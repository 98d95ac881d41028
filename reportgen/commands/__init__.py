"""One file a command: each is one call from Python, without click."""
