"""Class Feature Pyramids: which kernels, through which kernels, make a class on a clip."""
