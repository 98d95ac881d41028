"""Pictures of kernels that grow through many sizes (after the VGG-16 article)."""
