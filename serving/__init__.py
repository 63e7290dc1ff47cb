"""Answering with the promoted model."""

from ml.threads import wait_passively

wait_passively()  # before anything below this package loads OpenMP
