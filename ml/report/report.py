"""A report: what was measured, how, in typed sections that JSON holds whole."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from features.yaml_config import Section as Frozen
from ml.report.sections import Metric, Metrics, Row, Section


class Report(Frozen):
    """Evaluation of one estimator.

    Attributes
    ----------
    task : str
        Name of the task.
    protocol : str
        In one line: how the rows were held out.
    sections : tuple of Section
        In the order in which they are read; each name once.
    notes : tuple of str
        What limits the figures.

    Examples
    --------
    >>> from ml.bilingual import Text
    >>> rows = (Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5),)
    >>> metrics = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=rows)
    >>> report = Report(task="credit_risk", protocol="in time order", sections=(metrics,))
    >>> report.metrics["roc_auc"].value, report.tracked_figures()["roc_auc.baseline"]
    (0.75, 0.5)
    >>> Report.model_validate(report.as_dict()) == report
    True
    """

    task: str
    protocol: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    @field_validator("sections")
    @classmethod
    def _have_names_of_their_own(cls, sections: tuple[Section, ...]) -> tuple[Section, ...]:
        names = [s.name for s in sections]
        if twice := [n for n in names if names.count(n) > 1]:
            raise ValueError(f"two sections are named '{twice[0]}'")
        return sections

    def __getitem__(self, name: str) -> Section:
        """Return a section by its name; KeyError names those there are."""
        by_name = {s.name: s for s in self.sections}
        if name not in by_name:
            raise KeyError(f"{self.task}: no section '{name}'; the report has {', '.join(by_name)}")
        return by_name[name]

    def __contains__(self, name: object) -> bool:
        """Return whether a section has this name."""
        return any(s.name == name for s in self.sections)

    def rows(self, name: str) -> list[Row]:
        """Return the rows of a section as mappings, for a data frame."""
        return list(self[name].table().rows)

    @property
    def metrics(self) -> dict[str, Metric]:
        """Metrics by name, the one that the gate compares first."""
        return {m.name: m for s in self.sections if isinstance(s, Metrics) for m in s.rows}

    def tracked_figures(self) -> dict[str, float]:
        """Return the figures that are logged with a version: metrics and tracked columns."""
        return {name: value for section in self.sections for name, value in section.tracked_figures().items()}

    def as_dict(self) -> dict[str, Any]:
        """Return plain content for JSON; `Report.model_validate` reads it back."""
        return self.model_dump(mode="json")
