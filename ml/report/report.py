"""The report on a model version: an ordered collection of typed sections, stored as JSON."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from features.yaml_config import Section as Frozen
from ml.report.sections import Metric, Metrics, Row, Section


class Report(Frozen):
    """Evaluation of one estimator on held-out rows.

    The report of a model version is the `report.json` in the folder that `ml.champions.report_files` yields;
    ``Report.model_validate_json(text)`` reads it.

    Attributes
    ----------
    task : str
        Name of the task.
    protocol : str
        One line on how rows were split into training and hold-out rows.
    sections : tuple of Section
        Instances of classes of `ml.report.sections`, in reading order; names are unique.
    notes : tuple of str
        Remarks that limit the validity of the figures.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> from ml.report.sections import Metric, Metrics
    >>> rows = (Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5),)
    >>> metrics = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=rows)
    >>> report = Report(task="credit_risk", protocol="in time order", sections=(metrics,))
    >>> report.metrics["roc_auc"].value, report.tracked_figures()["roc_auc.baseline"]
    (0.75, 0.5)
    >>> report.rows("metrics")
    [{'name': 'roc_auc', 'value': 0.75, 'low': 0.7, 'high': 0.8, 'baseline': 0.5}]
    >>> Report.model_validate(report.as_dict()) == report
    True
    """

    task: str
    protocol: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    @field_validator("sections")
    @classmethod
    def _names_are_unique(cls, sections: tuple[Section, ...]) -> tuple[Section, ...]:
        names = [s.name for s in sections]
        if twice := [n for n in names if names.count(n) > 1]:
            raise ValueError(f"two sections are named '{twice[0]}'")
        return sections

    def __getitem__(self, name: str) -> Section:
        """Return the section of this name; a KeyError lists the names."""
        by_name = {s.name: s for s in self.sections}
        if name not in by_name:
            raise KeyError(f"{self.task}: no section '{name}'; the report has {', '.join(by_name)}")
        return by_name[name]

    def __contains__(self, name: object) -> bool:
        """Return whether the report has a section of this name."""
        return any(s.name == name for s in self.sections)

    def rows(self, name: str) -> list[Row]:
        """Return the rows of a section as dicts by column, as in ``pd.DataFrame(report.rows("metrics"))``.

        Titles and units of the columns are in ``report[name].table().columns``. A KeyError lists the names of the
        sections.
        """
        return list(self[name].table().rows)

    @property
    def metrics(self) -> dict[str, Metric]:
        """Return the metrics with their intervals by name, the primary metric first."""
        return {m.name: m for s in self.sections if isinstance(s, Metrics) for m in s.rows}

    def tracked_figures(self) -> dict[str, float]:
        """Return the figures that are logged as metrics of a model version, by name such as `roc_auc.low`."""
        return {name: value for section in self.sections for name, value in section.tracked_figures().items()}

    def as_dict(self) -> dict[str, Any]:
        """Return the report as dict for JSON, which `Report.model_validate` reads."""
        return self.model_dump(mode="json")
