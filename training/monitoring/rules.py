"""Rules of monitoring: the file `configs/monitor.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field

from features.errors import ConfigError
from features.yaml_config import Section, read_layer, validate
from ml.entry import split_name
from ml.home import rules_file
from ml.registry import ENTRIES

FILE = "monitor.yaml"


class MonitorRules(Section):
    """Rules of monitoring; `MonitorRules.load` reads them.

    Attributes
    ----------
    months : int
        Last complete months that are compared with the training period, 1 to 12.
    slow_months : int
        Months together in which a slow drift is also looked for; 0 for none.
    outcome_months : int
        Months of ripe outcomes that are judged together, 1 to 36.
    history_months : int
        Months that are looked back for the start of a drift, 1 to 120.
    false_alarms_a_month : float
        Expected number of false alarms a month over all series of a task together, above 0 and at most 1.
    smallest_shift : float
        Smallest shift of a feature or score that raises an alarm, in standard deviations of a row.
    smallest_rate_change, smallest_amount_change : float
        Smallest change of observed / predicted cases, and of observed / predicted amounts, that raises an alarm.
    smallest_metric_change : float
        Smallest relative change of the primary metric that raises an alarm.
    minimum_rows : int
        Fewer rows together are not compared.
    segments : tuple of str or None
        Columns by which outcomes are judged as well; None for `segments` of the task's configuration and `store_id`.

    Examples
    --------
    >>> MonitorRules().windows, MonitorRules(months=2, slow_months=0).windows
    ((1, 6), (2,))
    """

    months: int = Field(1, ge=1, le=12)
    slow_months: int = Field(6, ge=0, le=36)
    outcome_months: int = Field(6, ge=1, le=36)
    history_months: int = Field(24, ge=1, le=120)
    false_alarms_a_month: float = Field(0.1, gt=0, le=1)
    smallest_shift: float = Field(0.1, ge=0, le=2)
    smallest_rate_change: float = Field(0.15, ge=0, le=2)
    smallest_amount_change: float = Field(0.02, ge=0, le=2)
    smallest_metric_change: float = Field(0.05, ge=0, le=2)
    minimum_rows: int = Field(50, ge=10)
    segments: tuple[str, ...] | None = None

    @property
    def windows(self) -> tuple[int, ...]:
        """Return the numbers of months that are compared together."""
        return (self.months, self.slow_months) if self.slow_months > self.months else (self.months,)

    @classmethod
    def load(cls, task: str, *, beside: Path, path: Path | None = None) -> Self:
        """Read the rules of a task.

        Parameters
        ----------
        task : str
            Task or model, such as `credit_risk` or `credit_risk.north`.
        beside : Path
            Configuration of the model; the rules are looked up in its folder, then in `configs`.
        path : Path, optional
            Value of the option `--rules`.

        Returns
        -------
        MonitorRules
            The defaults if there is no file.

        Raises
        ------
        ConfigError
            The file cannot be read, a key is unknown, or a value breaks a rule.

        Examples
        --------
        >>> from pathlib import Path
        >>> MonitorRules.load("credit_risk", beside=Path("configs/credit_risk.yaml")).false_alarms_a_month
        0.1
        """
        base, data_set = split_name(task)
        file = rules_file(FILE, beside=beside, path=path, data_set=data_set)
        if file is None:
            return cls()
        layer = read_layer(file)
        content: dict[str, Any] = dict(layer.content)
        tasks = content.pop("tasks", None) or {}
        if not isinstance(tasks, dict) or not all(isinstance(values, dict) for values in tasks.values()):
            raise ConfigError(f"{file}: tasks: must map tasks to their rules, such as {{credit_risk: {{months: 1}}}}")
        unknown = sorted(set(tasks) - set(ENTRIES))
        if unknown:
            raise ConfigError(f"{file}: tasks: '{unknown[0]}' is no task; the tasks are {', '.join(ENTRIES)}")
        return validate({**content, **tasks.get(base, {})}, cls, [layer])
