"""Which kernels of each layer a report shows."""
