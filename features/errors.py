"""Errors, named by who must act."""

from __future__ import annotations


class ChehangError(Exception):
    """Something a person must act on; its text names the field, the rule, the value and the remedy."""


class DataError(ChehangError):
    """The data breaks a rule: fix the table or its source."""


class FeatureError(DataError):
    """A column that the model cannot use.

    Attributes
    ----------
    feature, rule : str
        Which, and what is asked of it; never a value, so that both may be told to a caller.
    """

    def __init__(self, feature: str, rule: str) -> None:
        super().__init__(f"column '{feature}' {rule}")
        self.feature = feature
        self.rule = rule


class ConfigError(ChehangError):
    """The configuration breaks a rule: fix the YAML or the option."""


class ModelNotFound(ChehangError):
    """No model answers to that name: train or promote one."""
