"""Run of `chehang reactivation`: leads that nobody works on any more although the desk calls leads like them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from features.aggregations import DAY
from features.errors import ConfigError, DataError
from ml import champions
from ml.bilingual import Text
from ml.instants import instant, microseconds
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.given_up import CLOSED, STATES, given_up_leads, given_up_reason, in_call_order
from ml.model import Model
from ml.report.report import Report
from training.answer_files import check_answer_path, write_answers
from training.config import TaskConfig
from training.progress import Progress
from training.studies.row_score import predict_rows, read_score_tables

__all__ = ["STATES", "Reactivation", "reactivation", "version_report"]
INSTANTS = ("created_at", "first_contact_at", "last_contact_at", "converted_at", "closed_at")


@dataclass(frozen=True)
class Reactivation:
    """Leads to take up again, as returned by `reactivation`.

    Attributes
    ----------
    leads : DataFrame
        The rows of the file: `lead_id`, `state` ('never_called', 'quiet' or 'closed'), `created_at`, `last_contact_at`,
        `closed_at`, `silent_days` (since the last contact, or since the lead), `conversion_probability`, `grade`,
        `expected_gross_margin` (yuan), `reason_zh` and `reason_en`; closed leads last, and the highest expected margin
        first.
    at : datetime
        Only earlier records were used.
    contacted_later : int
        Leads left out because their last contact is not before `at`: earlier contacts are overwritten.
    evidence : Text or None
        What leads that were given up, and similar leads that were contacted again, did in the test period of the
        version; None if its report has no such section.
    """

    leads: pl.DataFrame
    at: datetime
    contacted_later: int
    evidence: Text | None

    @property
    def expected_sales(self) -> float:
        """Return the sum of the probabilities of a sale within the horizon, over the leads that are not closed.

        The probabilities are those of open leads; what closed leads did later is in the evidence.
        """
        return float(self.leads.filter(pl.col("state") != CLOSED)["conversion_probability"].sum())


def reactivation(
    model: Model,
    config: TaskConfig,
    *,
    out: Path,
    as_of: datetime | None = None,
    silent_days: float = 7,
    within_days: float = 60,
    report: Report | None = None,
    progress: Progress | None = None,
) -> Reactivation:
    """Write the leads to take up again: without a sale, silent or closed, and with grade A at `as_of`.

    Parameters
    ----------
    model : Model
        ``ml.champions.load(ml.champions.version_or_champion("lead_scoring"))``.
    config : TaskConfig
        ``training.config.load_config("lead_scoring")``; its sources are read.
    out : Path
        `.parquet` or `.csv`.
    as_of : datetime, optional
        With time zone; default: after the last instant in the leads.
    silent_days : float
        An open lead is listed if its last contact, or without one its creation, is at least so many days before.
    within_days : float
        Leads created within so many days before `as_of` are listed.
    report : Report, optional
        Of the version, as `version_report` returns it; its section 'given_up' is the evidence.
    progress : callable, optional
        Called with one line of text for each table, such as `print`.

    Returns
    -------
    Reactivation
        Leads, instant, leads that were left out, and evidence.

    Raises
    ------
    ConfigError
        A number of days is negative, the leads have no times, or `out` has another ending. Nothing is written.
    DataError
        The leads have no `last_contact_at`, or the tables do not fit the version. Nothing is written.

    Examples
    --------
    Needs a promoted version and the tables of the sources.

    >>> from training.config import load_config
    >>> model = champions.load(champions.version_or_champion("lead_scoring"))  # doctest: +SKIP
    >>> reactivation(model, load_config("lead_scoring"), out=Path("leads.csv")).expected_sales  # doctest: +SKIP
    """
    check_answer_path(out)
    estimator = model.estimator
    assert isinstance(estimator, LeadScoringEstimator)
    for name, value in (("--silent-days", silent_days), ("--within-days", within_days)):
        if not value >= 0:
            raise ConfigError(f"{name}: must not be below 0 days, got {value:g}; give another number")
    if config.timeless:
        raise ConfigError("time: none: leads without times have no last contact; set time: created_at")
    raw = read_score_tables(model, config, data=None, progress=progress)
    frame = raw.frames["leads"]
    names = frame.collect_schema().names()
    if "last_contact_at" not in names:
        raise DataError("leads.last_contact_at: the column is missing; map it in sources.yaml")
    leads = frame.select("lead_id", *(n for n in INSTANTS if n in names)).collect()
    leads = leads.with_columns(pl.lit(None, pl.Int64).alias(n) for n in INSTANTS if n not in names)
    at = _last(leads) + 1 if as_of is None else microseconds(as_of)
    states, contacted_later = given_up_leads(leads, at, silent=int(silent_days * DAY), within=int(within_days * DAY))
    scores = predict_rows(model, config, raw, as_of=at, closing=("converted_at",)).drop("as_of", "calibration")
    listed = states.join(scores, on="lead_id", how="inner").filter(pl.col("grade") == "A")
    rows = _with_reasons(in_call_order(listed), raw.reports["leads"].timezone)
    write_answers(rows, out)
    section = None if report is None else next((s for s in report.sections if s.name == "given_up"), None)
    return Reactivation(rows, instant(at), contacted_later, None if section is None else section.summary)


def version_report(version: champions.Version) -> Report:
    """Return the report of a version, as its training wrote it."""
    with champions.report_files(version) as folder:
        return Report.model_validate_json((folder / "report.json").read_text(encoding="utf-8"))


def _last(leads: pl.DataFrame) -> int:
    latest = leads.select(pl.max_horizontal(pl.col(n).max() for n in INSTANTS)).item()
    if latest is None:
        raise DataError("leads: the table has no rows; check the source of leads")
    return int(latest)


def _with_reasons(rows: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Add why each lead is listed, and show instants in the time zone of the table."""
    reasons = [
        given_up_reason(*row) for row in rows.select("state", "silent_days", "conversion_probability").iter_rows()
    ]
    moments = [
        pl.from_epoch(n, time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone).alias(n)
        for n in ("created_at", "last_contact_at", "closed_at")
    ]
    return rows.with_columns(
        *moments,
        pl.col("silent_days").round(1),
        reason_zh=pl.Series([r.zh for r in reasons], dtype=pl.String),
        reason_en=pl.Series([r.en for r in reasons], dtype=pl.String),
    )
