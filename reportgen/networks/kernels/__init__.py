"""The kernels of a network: the facts about its layers, pre-activations, receptive fields."""
