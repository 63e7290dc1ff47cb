"""`python -m tests.plain_words functions|errors|lines`: print a draw, the same one for the same seed and code."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable

SEED = 20


def main() -> int:
    """Print the draw named on the command line; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.plain_words", description="Draw what a new reader is shown.")
    parser.add_argument("what", choices=["functions", "errors", "lines"])
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    for number, text in enumerate(_draw(options.what)(random.Random(options.seed)), 1):
        print(f"----- {number} -----\n{text}\n")
    return 0


def _draw(what: str) -> Callable[[random.Random], list[str]]:
    from tests.plain_words import errors, functions, lines

    return {"functions": functions.draw, "errors": errors.draw, "lines": lines.draw}[what]


if __name__ == "__main__":
    sys.exit(main())
