"""Model cards, finding and checking weights, safe reading of checkpoints, and any network of the user's own."""
