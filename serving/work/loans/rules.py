"""Settings of the desk: `configs/desk.yaml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from features.yaml_config import Section, load_yaml


class DeskRules(Section):
    """Settings of the loan desk.

    Attributes
    ----------
    promise_minutes : int
        Minutes within which an application is answered.
    opened_minutes : int
        Minutes for which somebody who has opened an application counts as working on it.
    plan_days : int
        Days for which a saved plan is valid.
    down_payment_shares : tuple of float
        Rows of the payment grid, as shares of the price.
    terms : tuple of int
        Columns of the payment grid in months.
    """

    promise_minutes: int = Field(60, ge=1, le=100_000)
    opened_minutes: int = Field(15, ge=1, le=1_440)
    plan_days: int = Field(7, ge=1, le=90)
    down_payment_shares: tuple[float, ...] = Field((0.15, 0.2, 0.3, 0.4, 0.5), min_length=1, max_length=12)
    terms: tuple[int, ...] = Field((12, 24, 36, 48, 60), min_length=1, max_length=10)


def load_desk_rules(configs: Path) -> DeskRules:
    """Return the settings of `desk.yaml` in a folder; the defaults without the file.

    Raises
    ------
    ConfigError
        The file is invalid.

    Examples
    --------
    >>> load_desk_rules(Path("nowhere")).promise_minutes
    60
    """
    path = configs / "desk.yaml"
    return load_yaml(path, DeskRules) if path.is_file() else DeskRules()
