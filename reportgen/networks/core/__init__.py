"""A network and what may be asked of any: its logits, its layers by name, their outputs, a pass up to one of them."""
