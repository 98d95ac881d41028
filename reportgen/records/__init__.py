"""The torch-free contract: what is known about a network, what was asked of it and what came out."""
