"""HTTP service: answers requests with the promoted models."""

from ml.threads import wait_passively

wait_passively()  # before a module of this package loads OpenMP
