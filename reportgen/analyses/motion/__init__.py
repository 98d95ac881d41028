"""Motion or appearance: what is left of a class and of every kernel without a clip's motion."""
