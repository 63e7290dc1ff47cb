"""`python -m tests.golden`: compare with the golden files, or rewrite them with `--accept`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

EXPECTED = Path(__file__).parent / "expected"


def main() -> int:
    """Return 0 if nothing differs; print a unified diff and return 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description="Compare with the golden files.")
    parser.add_argument("--accept", action="store_true", help="rewrite the golden files")
    accept = parser.parse_args().accept
    _set_environment()
    from tests.golden.compare import accepted, differences
    from tests.golden.record import ROOT, record

    os.chdir(ROOT)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chehang-golden-") as folder:
        golden = record(Path(folder).resolve(), progress=lambda line: print(line, file=sys.stderr, flush=True))
    seconds = f"{time.process_time():.0f} s of processor time, {time.monotonic() - begin:.0f} s"
    if accept:
        changed = accepted(golden, EXPECTED)
        print(f"{len(changed)} of {len(golden)} golden files rewritten ({seconds})", *changed, sep="\n  ")
        return 0
    diff = differences(golden, EXPECTED)
    print(diff or f"{len(golden)} golden files: no differences ({seconds})")
    if diff:
        print("accept intended differences with: make golden-accept", file=sys.stderr)
    return 1 if diff else 0


def _set_environment() -> None:
    """Use one thread and ignore the caller's settings; call it before numerical libraries are loaded."""
    for name in [n for n in os.environ if n.startswith(("CHEHANG_", "MLFLOW_"))]:
        del os.environ[name]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS")
    os.environ.update(dict.fromkeys(threads, "1"), TZ="UTC", MLFLOW_DISABLE_TELEMETRY="true")


if __name__ == "__main__":
    sys.exit(main())
