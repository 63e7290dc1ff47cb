"""How long steps report to whoever started them."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]  # called with one line of text for each step
