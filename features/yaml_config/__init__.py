"""Every YAML file of the product: one dialect, overlays and single values merged, faults as one clear error.

`parsing` turns a text into keys and values, `merging` puts layers of them on top of each other, `validation` turns the
result into a frozen model.
"""

from features.yaml_config.merging import Layer, merge, origin_of, parse_settings, read_layer
from features.yaml_config.validation import Section, load_yaml, name_hint, validate, without_variables

__all__ = [
    "Layer", "Section", "load_yaml", "merge", "name_hint", "origin_of", "parse_settings", "read_layer", "validate",
    "without_variables",
]  # fmt: skip
