"""Threads: number, wait policy, and results that do not depend on the number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import random as random_matrix

from ml.demand_forecast.params import TreeParams
from ml.estimators.boosted_trees import BoostedTrees
from ml.estimators.quantile_trees import QuantileTrees
from ml.estimators.ranking_trees import RankingTrees
from ml.estimators.retrievers.als import ALS
from ml.estimators.retrievers.interactions import Interactions
from ml.threads import cpu_quota, thread_count, wait_passively

CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _system(root: Path, *, groups: str, **files: str) -> Path:
    """Write the files of a system: `proc/self/cgroup`, and limits by path below `sys/fs/cgroup`."""
    for name, text in {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{n}": t for n, t in files.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/a/b\n", {"a/b/cpu.max": "100000 100000\n", "a/cpu.max": "400000 100000\n"}, 1.0),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {}, None),
        (
            "4:memory:/x\n3:cpu,cpuacct:/docker/1\n0::/\n",
            {"cpu,cpuacct/cpu.cfs_quota_us": "300000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
            3.0,
        ),
        ("1:cpu:/\n0::/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("1:cpuset:/\n", {"cpuset/cpu.cfs_quota_us": "100\n", "cpuset/cpu.cfs_period_us": "100\n"}, None),
    ],
)
def test_the_quota_is_the_least_of_all_groups(
    tmp_path: Path, groups: str, files: dict[str, str], quota: float | None
) -> None:
    assert cpu_quota(_system(tmp_path, groups=groups, **files)) == quota


def test_a_system_without_control_groups_has_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None
    assert thread_count(root=tmp_path) == CPUS


@pytest.mark.parametrize(("limit", "threads"), [("1000 100000", 1), ("100000 100000", 1), ("6400000 100000", CPUS)])
def test_threads_follow_the_quota_and_never_exceed_the_cpus(tmp_path: Path, limit: str, threads: int) -> None:
    assert thread_count(root=_system(tmp_path, groups="0::/\n", **{"cpu.max": limit})) == threads


def test_a_part_of_a_cpu_counts_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.threads._cpus", lambda: 8)
    assert thread_count(root=_system(tmp_path, groups="0::/\n", **{"cpu.max": "250000 100000"})) == 3


def test_the_configuration_wins_and_then_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _system(tmp_path, groups="0::/\n", **{"cpu.max": "100000 100000"})
    monkeypatch.setenv("OMP_NUM_THREADS", "5,2")
    assert thread_count(root=root) == 5
    assert thread_count(7, root=root) == 7
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert thread_count(root=root) == 1


def test_a_wait_policy_of_the_environment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    wait_passively()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.parametrize("entry", ["chehang.cli", "serving.service", "ml.model", "training.studies.row_baselines"])
def test_the_policy_is_set_before_openmp_is_loaded(entry: str) -> None:
    program = f"""
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("lightgbm", "sklearn"):
            assert os.environ.get("OMP_WAIT_POLICY") == "PASSIVE", name
sys.meta_path.insert(0, Watch())
import {entry}
assert os.environ.get("OMP_WAIT_POLICY") == "PASSIVE"
"""
    clean = {n: v for n, v in os.environ.items() if n != "OMP_WAIT_POLICY"}
    subprocess.run([sys.executable, "-c", program], check=True, env=clean)


def _trees(text: bytes) -> bytes:
    return text.split(b"\nparameters:")[0]  # below are the parameters, the number of threads among them


def test_any_number_of_threads_gives_the_same_trees() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6_000, 8))
    y = X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=6_000)
    learners = (
        lambda n: BoostedTrees(n_estimators=10, num_threads=n).fit(X, (y > 0).astype(float)),
        lambda n: QuantileTrees(n_estimators=10, num_threads=n).fit(X, y),
        lambda n: RankingTrees(n_estimators=10, num_threads=n).fit(X, y > 1, [100] * 60),
    )
    for learner in learners:
        one, four = ({k: _trees(v) for k, v in learner(n).to_files().items() if k.endswith(".txt")} for n in (1, 4))
        assert one == four and one


def test_any_number_of_threads_gives_the_same_factors() -> None:
    interactions = Interactions(random_matrix(300, 40, density=0.1, format="csr", random_state=0))
    one, three = (ALS(factors=8, num_threads=n).fit(interactions).item_factors_.tolist() for n in (1, 3))
    assert one == three


def test_demand_takes_as_many_threads_as_are_granted_unless_configured() -> None:
    assert TreeParams().num_threads == 0
