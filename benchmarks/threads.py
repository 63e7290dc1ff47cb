"""A training alone and beside a second one, whole commands: `python -m benchmarks.threads`.

`chehang train credit_risk` on a sample dealership runs alone, then twice at once in two homes, with OpenMP threads
that sleep while they wait (the product's setting) and with threads that spin (OpenMP's default). Two at once take twice
as long where one uses all CPUs, and less where it does not. A round with spinning threads may take minutes.
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
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        homes = [Path(name) / "one", Path(name) / "two"]
        subprocess.run(_command("sample-data", *DEALERSHIP), env=_environment(homes[0], "PASSIVE"), check=True)
        shutil.copytree(homes[0], homes[1])
        for policy in ("PASSIVE", "ACTIVE"):
            alone = min(seconds(homes[:1], policy) for _ in range(rounds))
            beside = min(seconds(homes, policy) for _ in range(rounds))
            print(f"OMP_WAIT_POLICY={policy}: alone {alone:.1f} s, two at once {beside:.1f} s, {beside / alone:.2f} x")


def seconds(homes: Sequence[Path], policy: str) -> float:
    """Wall seconds until one training in each home has ended."""
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
