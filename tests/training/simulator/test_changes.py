"""Switches of the simulation: a stationary population, and the manifest that records them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.simulator import Size, generate
from training.simulator.applicants import build_applicants
from training.simulator.changes import Changes
from training.simulator.seasons import YEAR
from training.simulator.world import build_world


def test_population_without_a_shift_is_the_same_throughout() -> None:
    size = Size(stores=1, customers=4_000, months=48)
    world = build_world(size, Changes(population_shift=False))
    partners = build_applicants(size.stream("applicants"), world)
    assert (partners.shift == 0).all()
    age = (partners.submitted_at - partners.demographics.birth)[partners.partner] / YEAR
    half = len(age) // 2
    assert np.mean(age[:half]) == pytest.approx(np.mean(age[half:]), abs=0.8)


def test_manifest_names_changes_that_are_not_the_default(tmp_path: Path) -> None:
    size = Size(stores=1, customers=100, months=3)
    generate(size, tmp_path / "default")
    generate(size, tmp_path / "stationary", changes=Changes(population_shift=False))
    contents = [json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("default", "stationary")]
    assert "changes" not in contents[0]
    assert contents[1]["changes"] == {"population_shift": False, "bureau_repair": False}
