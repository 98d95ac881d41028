"""What every command of reportgen loads, on one thread: the process that imports this is copied for each of them."""

import torch

import reportgen.cli
import reportgen.commands.build
import reportgen.commands.render

torch.set_num_threads(1)

__all__ = ["reportgen"]
