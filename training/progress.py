"""Type of the callback that reports the progress of a long computation."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]  # called with one line of text at the start of each step
