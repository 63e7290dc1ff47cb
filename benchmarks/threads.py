"""Benchmark of two concurrent trainings: `python -m benchmarks.threads`.

Runs `chehang train credit_risk` on a sample dealership once, then twice concurrently in two home folders, with passive
waiting of OpenMP threads (the product's setting) and with active waiting (OpenMP's default). If one run uses all CPUs,
two concurrent runs should take twice as long, otherwise less. A round with active waiting may take minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

DEALERSHIP = ("--stores", "8", "--customers", "20000", "--months", "30")
TRAIN = ("train", "credit_risk", "-c", str(Path("configs/credit_risk.yaml").absolute()))


def main() -> None:
    """Measure the trainings and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="number of rounds; the fastest is reported")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        homes = [Path(name) / "one", Path(name) / "two"]
        subprocess.run(_command("sample-data", *DEALERSHIP), env=_environment(homes[0], "PASSIVE"), check=True)
        shutil.copytree(homes[0], homes[1])
        for policy in ("PASSIVE", "ACTIVE"):
            alone = min(seconds(homes[:1], policy) for _ in range(rounds))
            concurrent = min(seconds(homes, policy) for _ in range(rounds))
            ratio = concurrent / alone
            print(f"OMP_WAIT_POLICY={policy}: one {alone:.1f} s, two concurrent {concurrent:.1f} s, {ratio:.2f} x")


def seconds(homes: Sequence[Path], policy: str) -> float:
    """Return the wall seconds of one training in each home folder, run concurrently."""
    start = time.monotonic()
    runs = [
        subprocess.Popen(
            _command(*TRAIN), env=_environment(home, policy), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for home in homes
    ]
    for run in runs:
        _, errors = run.communicate()
        if run.returncode:
            sys.exit(errors.decode())
    return time.monotonic() - start


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "chehang", *arguments]


def _environment(home: Path, policy: str) -> dict[str, str]:
    return {**os.environ, "CHEHANG_HOME": str(home), "OMP_WAIT_POLICY": policy}


if __name__ == "__main__":
    main()
