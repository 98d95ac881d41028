"""What every command of reportgen loads, on one thread: the process that imports this is copied for each of them."""

import torch
import torch._dynamo  # loaded by torch as soon as anything of a network is traced

import reportgen.cli.app
import reportgen.commands.build
import reportgen.commands.render
from reportgen.analyses.registry import methods

torch.set_num_threads(1)
for _method in methods().values():  # planning asks each of them for its jobs
    _method.load()

__all__ = ["reportgen"]
