"""Model versions and champions in MLflow's model registry; training and serving use it.

The champion of a task is the version with the alias `champion`; `promote` and `roll_back` move the alias. Importing
this package does not import MLflow. Every function passes the address of its store explicitly and changes neither
MLflow's global tracking URI nor the environment.
"""

from ml.champions.gate_result import GateCheck, GateResult
from ml.champions.model_versions import (
    Version,
    card,
    champion,
    champion_number,
    load,
    named_models,
    record_gate,
    report_files,
    report_folder,
    version,
    version_or_champion,
    versions,
)
from ml.champions.moves import Move, NotPromoted, candidate, earlier_champion, history, promote, roll_back
from ml.champions.store import StoreError, embedded_database, has_named_folders, import_mlflow, store_uri

__all__ = [
    "GateCheck",
    "GateResult",
    "Move",
    "NotPromoted",
    "StoreError",
    "Version",
    "candidate",
    "card",
    "champion",
    "champion_number",
    "earlier_champion",
    "embedded_database",
    "has_named_folders",
    "history",
    "import_mlflow",
    "load",
    "named_models",
    "promote",
    "record_gate",
    "report_files",
    "report_folder",
    "roll_back",
    "store_uri",
    "version",
    "version_or_champion",
    "versions",
]  # fmt: skip
