"""What every kernel of a layer answers to a clip, position by position: as maps, as a volume, and in order."""
