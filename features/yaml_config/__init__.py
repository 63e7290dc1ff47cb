"""Loading of all YAML files: one YAML dialect, layers of files and options, and validation by pydantic models.

`parsing` parses a text, `merging` merges layers, `validation` converts the merged content to a frozen model.
"""

from features.yaml_config.merging import Layer, merge, origin_of, parse_settings, read_layer
from features.yaml_config.validation import Section, load_yaml, name_hint, validate, without_variables

__all__ = [
    "Layer", "Section", "load_yaml", "merge", "name_hint", "origin_of", "parse_settings", "read_layer", "validate",
    "without_variables",
]  # fmt: skip
