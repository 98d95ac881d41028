"""Whether a report that came from elsewhere is what it says: unchanged, consistent in itself, and computed so."""
