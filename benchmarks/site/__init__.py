"""How a site grows with the kernels of its network."""
