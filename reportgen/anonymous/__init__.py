"""Runs without what tells who made them: for a review that must not know."""
