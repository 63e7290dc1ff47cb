"""Error classes, by the person who can resolve the error."""

from __future__ import annotations


class ChehangError(Exception):
    """An error that a user can resolve; its message has the field, the rule, the value and the remedy."""


class DataError(ChehangError):
    """The data breaks a rule: correct the table or its source."""


class FeatureError(DataError):
    """An input that the model cannot use: a column of a table, or a field of a request.

    Attributes
    ----------
    feature : str
        Name of the column or field.
    rule : str
        The rule that it breaks, such as "must be a number". It never contains a value that a caller sent, so that the
        service may answer with it.

    Examples
    --------
    >>> raise FeatureError("price", "must be a number")
    Traceback (most recent call last):
    features.errors.FeatureError: column 'price' must be a number
    """

    def __init__(self, feature: str, rule: str) -> None:
        super().__init__(f"column '{feature}' {rule}")
        self.feature = feature
        self.rule = rule


class ConfigError(ChehangError):
    """The configuration breaks a rule: correct the YAML file or the command-line option."""


class ModelNotFound(ChehangError):
    """There is no such model version: train or promote one."""


class MissingColumnError(DataError):
    """A column that the task needs is not mapped in the sources."""
