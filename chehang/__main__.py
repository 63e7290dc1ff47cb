"""`python -m chehang`."""

from __future__ import annotations

from chehang.cli import main

main()
