"""A sample dealership group, drawn from known equations, coherent across all ten raw tables."""

from training.sample_data.dealership import generate
from training.sample_data.size import Size

__all__ = ["Size", "generate"]
