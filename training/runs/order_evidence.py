"""Simulated cost of ordering by a version's forecasts, from the report of its training."""

from __future__ import annotations

from ml.champions import Version, report_files
from ml.report.report import Report
from ml.report.sections import Paragraph

REPORT = "report.json"


def held_out_verdict(version: Version) -> str | None:
    """Return how the version's forecasts compare with simpler rules of ordering on the held-out periods.

    Parameters
    ----------
    version : Version
        A version of `demand_forecast`, such as ``ml.champions.version_or_champion("demand_forecast")``.

    Returns
    -------
    str or None
        The sentences of the report's section `order_verdict`; None if the report has none, because the held-out periods
        are shorter than the lead time.

    Raises
    ------
    StoreError
        The report cannot be downloaded.

    Examples
    --------
    >>> held_out_verdict(champions.version_or_champion("demand_forecast"))  # doctest: +SKIP
    "'order last period's sales' costs 1.16 times as much as ordering by forecasts (95% interval 1.08 to 1.23): ..."
    """
    with report_files(version) as folder:
        report = Report.model_validate_json((folder / REPORT).read_text(encoding="utf-8"))
    sections = {section.name: section for section in report.sections}
    verdict = sections.get("order_verdict")
    return verdict.shown() if isinstance(verdict, Paragraph) else None
