"""Kernel stages: the clip that each kernel looks for, by activation maximisation."""
