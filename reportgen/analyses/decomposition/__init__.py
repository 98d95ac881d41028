"""A clip taken apart into one still texture and the motion that carries it."""
