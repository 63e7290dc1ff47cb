"""Train models: read tables, split by time, fit, evaluate, log to MLflow, register and promote."""

from ml.threads import wait_passively

wait_passively()  # before an import below this package loads OpenMP, which reads the setting once
