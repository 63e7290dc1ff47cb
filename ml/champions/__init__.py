"""MLflow's model registry behind one door: versions, the champion, its history, and a version's files.

Training and serving both use it. Importing it does not import MLflow; every function names its store explicitly and
changes neither MLflow's global address nor the environment.
"""

from ml.champions.gate_result import GateCheck, GateResult
from ml.champions.model_versions import (
    Version,
    champion,
    champion_number,
    load,
    record_gate,
    report_files,
    version,
    version_or_champion,
    versions,
)
from ml.champions.moves import Move, NotPromoted, candidate, history, promote, roll_back
from ml.champions.store import StoreError, embedded_database, import_mlflow, store_uri

__all__ = [
    "GateCheck",
    "GateResult",
    "Move",
    "NotPromoted",
    "StoreError",
    "Version",
    "candidate",
    "champion",
    "champion_number",
    "embedded_database",
    "history",
    "import_mlflow",
    "load",
    "promote",
    "record_gate",
    "report_files",
    "roll_back",
    "store_uri",
    "version",
    "version_or_champion",
    "versions",
]  # fmt: skip
