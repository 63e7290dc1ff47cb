"""Forecasts of a demand panel from the origins of a test, each made once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ml.demand_forecast.estimator import living
from ml.demand_forecast.forecast import Forecast
from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.past import Past


@dataclass(frozen=True)
class OriginForecasts:
    """Forecasts of one forecaster; each origin knows its own past alone.

    Metrics, totals of levels, costs of orders and the kept test rows ask for the same origins.

    Attributes
    ----------
    panel : Panel
        All periods, those after the origins included.
    forecaster : Forecaster
    """

    panel: Panel
    forecaster: Forecaster
    _cache: dict[int, tuple[Forecast, Past]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def at(self, origin: int) -> tuple[Forecast, Past]:
        """Return the forecast from one origin (a column of the panel), and the past that it was made from."""
        if origin not in self._cache:
            history = self.panel.until(origin)
            past = self.forecaster.past(history)
            self._cache[origin] = living(self.forecaster.forecast(history, past=past), history), past
        return self._cache[origin]

    def each(self, origins: Iterable[int]) -> Iterator[tuple[int, Forecast, Past]]:
        """Yield origin, forecast and past in turn."""
        for origin in origins:
            yield origin, *self.at(origin)
