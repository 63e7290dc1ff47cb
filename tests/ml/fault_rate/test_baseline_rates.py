"""Baseline rates, checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import ModelNotFound
from ml.fault_rate.baseline_rates import AGES, BaselineRates, combination_of, combinations

BANDS = 3
EFFECTS = combinations(BANDS)


@pytest.fixture
def baseline() -> BaselineRates:
    rates = np.arange(2.0 * len(EFFECTS)).reshape(2, -1)
    return BaselineRates(
        components=("brakes", "pump"),
        distance_limits=np.array([1_000.0, 2_000.0]),
        rates=rates,
        seasonal=True,
        pairs=(("A", ""), ("E", "battery_electric")),
        component_present=np.array([[True, True], [True, False]]),
        model_kinds=("trees", "unknown"),
        deviance=np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [np.nan] * 5]),
    )


def test_combination_of_is_the_row_of_combinations() -> None:
    ages = np.array([0.0, *(AGES + 0.01)])
    for row, (age, driven, month) in enumerate(EFFECTS):
        assert combination_of(ages[age], driven, month, BANDS) == row
    assert combination_of(AGES[0], 0, 0, BANDS) == combination_of(AGES[0] + 0.1, 0, 0, BANDS)


def test_rates_distance_bands_and_components_of_models(baseline: BaselineRates) -> None:
    assert baseline.distance_band([999.0, 1_000.0, 5_000.0, np.nan]).tolist() == [0, 1, 2, -1]
    row = int(combination_of(2.5, 1, 7, BANDS))
    assert baseline.yearly_rate(1, age=2.5, distance_band=1, month=7) == baseline.rates[1, row]
    assert baseline.has_component(1, ["A", "E", "new"], [None, "battery_electric", None]).tolist() == [
        True,
        False,
        True,
    ]
    assert baseline.component_index == {"brakes": 0, "pump": 1}


def test_arrays_restore_rates_and_a_missing_array_is_named(baseline: BaselineRates) -> None:
    arrays = baseline.to_arrays()
    again = BaselineRates.from_arrays(arrays)
    assert (again.components, again.pairs, again.model_kinds, again.seasonal) == (
        baseline.components, baseline.pairs, baseline.model_kinds, True,
    )  # fmt: skip
    np.testing.assert_array_equal(again.deviance, baseline.deviance)
    del arrays["baseline_rates"]
    with pytest.raises(ModelNotFound, match="lacks the array 'baseline_rates'"):
        BaselineRates.from_arrays(arrays)
