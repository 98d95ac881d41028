"""The evidence of real clips: what drives every kernel of the shown layers."""
