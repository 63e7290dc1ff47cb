"""Amounts of money: yuan in JSON, fen in Python."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ml.domain.loans.rounding import MAX_AMOUNT

MAX_YUAN = MAX_AMOUNT / 100
Amount = Annotated[float, Field(ge=0, le=MAX_YUAN, multiple_of=0.01, allow_inf_nan=False)]


def fen(yuan: float) -> int:
    """Return an amount in yuan as whole fen.

    Examples
    --------
    >>> fen(3042.19)
    304219
    """
    return round(yuan * 100)
