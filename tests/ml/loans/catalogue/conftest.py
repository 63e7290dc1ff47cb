"""The shipped lending files, and a loader of changed ones."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from ml.loans.catalogue.files import Lending, load_lending
from tests.conftest import ROOT

PRODUCTS, RULES = ROOT / "configs" / "loans" / "products.yaml", ROOT / "configs" / "loans" / "rules.yaml"


class PlainDumper(yaml.SafeDumper):
    """Write every scalar without quotes, as a person writes the files."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (name and type of PyYAML)


@pytest.fixture(scope="session")
def lending() -> Lending:
    return load_lending(PRODUCTS, RULES)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Lending]:
    """Return a function that loads both files with values replaced by key path; None removes the key."""

    def load(**changes: dict[str, Any]) -> Lending:
        paths = {}
        for name, source in (("products", PRODUCTS), ("rules", RULES)):
            content = deepcopy(yaml.load(source.read_text(encoding="utf-8"), Loader=yaml.BaseLoader))
            for place, value in changes.get(name, {}).items():
                _set(content, place.split("."), value)
            paths[name] = tmp_path / source.name
            text = yaml.dump(content, Dumper=PlainDumper, allow_unicode=True, sort_keys=False)
            paths[name].write_text(text, encoding="utf-8")
        return load_lending(paths["products"], paths["rules"])

    return load


def _set(content: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        content = content[int(step)] if isinstance(content, list) else content[step]
    last = int(steps[-1]) if isinstance(content, list) else steps[-1]
    if value is None:
        del content[last]
    elif last == len(content) and isinstance(content, list):
        content.append(value)
    else:
        content[last] = value
