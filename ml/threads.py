"""Number of threads of a fit, and the wait policy of OpenMP's threads.

The number follows from the limits that the operating system sets for the process (CPU affinity and the CPU quota of its
control group), not from the load of the machine, so it is the same in every run of one installation.

The number of threads changes the duration of a fit and not its result. LightGBM sums its histograms in an order that
does not depend on the threads if it is `deterministic` with `force_col_wise` or `force_row_wise`, and the ALS of
implicit solves each row separately: the same data, parameters and seed give the same trees and factors on any number of
CPUs (`tests/ml/test_threads.py`). LightGBM's model files list the number of threads among the parameters, below the
trees.
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
        `num_threads` of the configuration; returned as it is if above 0.
    root : Path
        Root of the file system, for tests.

    Returns
    -------
    int
        `OMP_NUM_THREADS` if the environment sets it; otherwise the number of CPUs that the process may run on, or the
        CPU quota of its control group, rounded up, if that is lower. At least 1.

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
    """Return the CPU quota of this process in CPUs; None if its control groups set no limit, or there are none.

    It is the lowest quota of the process's control group and all groups above it, in version 2 (`cpu.max`) or version
    1 (`cpu.cfs_quota_us` divided by `cpu.cfs_period_us`). 1.5 is the time of one and a half CPUs.

    Parameters
    ----------
    root : Path
        Root of the file system, for tests.

    Examples
    --------
    >>> from pathlib import Path
    >>> cpu_quota(Path("no such folder")) is None
    True
    """
    limits = [limit for folder in _groups(root) for limit in (_limit(folder),) if limit is not None]
    return min(limits, default=None)


def wait_passively() -> None:
    """Set `OMP_WAIT_POLICY` to passive, unless the environment sets it: waiting OpenMP threads sleep.

    By default they spin. If other processes use the same CPUs, spinning threads take the time of the thread that they
    wait for, and a fit takes many times as long. Call it before a library with OpenMP is loaded (LightGBM,
    scikit-learn), because the library reads the environment then. Processes started later inherit the setting. The
    import of the package `ml` calls it.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", PASSIVE)


def _cpus() -> int:
    """Return the number of CPUs that the process may run on; all CPUs on systems without affinity, such as macOS."""
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on; it also reads PYTHON_CPU_COUNT
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups and of all groups above them."""
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
    """Return the quota of one control group in CPUs; None if it sets no limit or does not exist."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        limit = float(quota) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such file, "max", or a file that is being written
        return None
    return limit if limit > 0 else None  # version 1 writes -1 for no limit
