"""Saliency of a clip: where and when the network looked, by several attribution methods."""
