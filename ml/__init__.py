"""Tasks, estimators, metrics and the arithmetic of the domain: what the product computes and learns."""

from ml.threads import wait_passively

wait_passively()  # before any module of this package loads OpenMP
