"""Following values through the operations of a forward pass: which kernels feed which, and what units see."""
