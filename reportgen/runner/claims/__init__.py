"""Who computes what, where many workers share the folder of one run: claims on chunks, kept as files."""
