"""How far a saliency map may be believed."""
