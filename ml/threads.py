"""How many threads a fit may use, and how OpenMP's threads wait for each other.

The count follows from what the operating system grants the process, never from how busy the machine is: the CPUs of its
affinity and the CPU quota of its control group. So it is the same in every run of one installation.

The count changes how long a fit takes, and nothing of its result. LightGBM adds up its histograms in an order that does
not depend on the threads when it is `deterministic` with `force_col_wise` or `force_row_wise`, and the ALS of implicit
solves each row by itself: the same data, parameters and seed give the same trees and factors on any number of CPUs
(`tests/ml/test_threads.py`). The texts of LightGBM name the number of threads among the parameters, below the trees.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

PASSIVE = "PASSIVE"
CONTROL_GROUPS = Path("sys/fs/cgroup")


def thread_count(configured: int = 0, *, root: Path = Path("/")) -> int:
    """Return the number of threads of a fit.

    Parameters
    ----------
    configured : int
        `num_threads` of the configuration; above 0 it is the answer.
    root : Path
        Where the file system begins.

    Returns
    -------
    int
        `OMP_NUM_THREADS` where the environment sets it; otherwise the CPUs that the process may run on, or the CPU
        quota of its control group, rounded up, if that is less. At least 1.

    Examples
    --------
    >>> thread_count(3)
    3
    >>> thread_count() >= 1
    True
    """
    if configured > 0:
        return configured
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if first.isdecimal() and int(first) > 0:
        return int(first)
    quota = cpu_quota(root)
    cpus = _cpus()
    return cpus if quota is None else max(1, min(cpus, math.ceil(quota)))


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Return the CPUs that the control groups of this process grant it; None without a limit.

    A group may use no more than any group above it, so the least of all is returned: of version 2 (`cpu.max`) and of
    version 1 (`cpu.cfs_quota_us` by `cpu.cfs_period_us`). Systems without control groups have no limit.
    """
    limits = [limit for folder in _groups(root) for limit in (_limit(folder),) if limit is not None]
    return min(limits, default=None)


def wait_passively() -> None:
    """Let OpenMP's threads sleep while they wait, unless `OMP_WAIT_POLICY` says otherwise.

    By default they spin. Beside other work on the same CPUs they then use up the time that the awaited thread needs,
    and a fit takes many times as long. Must be called before a library with OpenMP is loaded (LightGBM, scikit-learn):
    the environment is read then. Processes started later inherit it.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", PASSIVE)


def _cpus() -> int:
    """CPUs that the process may run on; all where the system cannot tell, as on macOS."""
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on; it follows PYTHON_CPU_COUNT too
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(root: Path) -> Iterator[Path]:
    """Folders of the control groups of this process and of all above them, as far as they are visible."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounts = (controllers, "cpu") if controllers else ("", "unified")
        group = Path(path.lstrip("/"))
        for mount in dict.fromkeys(mounts):
            for part in (group, *group.parents):
                yield root / CONTROL_GROUPS / mount / part


def _limit(folder: Path) -> float | None:
    """CPUs that one control group grants; None where it sets no limit or is not there."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        limit = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such file, "max", or half written
        return None
    return limit if limit > 0 else None  # version 1 writes -1 for no limit
