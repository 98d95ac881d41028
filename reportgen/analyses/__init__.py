"""One package a method: each asks a network a question and returns arrays and numbers; none writes anything."""
