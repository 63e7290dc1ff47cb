"""Errors, named by who must act."""

from __future__ import annotations


class ChehangError(Exception):
    """Something a person must act on; its text names the field, the rule, the value and the remedy."""


class DataError(ChehangError):
    """The data breaks a rule: fix the table or its source."""


class ConfigError(ChehangError):
    """The configuration breaks a rule: fix the YAML or the option."""


class ModelNotFound(ChehangError):
    """No model answers to that name: train or promote one."""
