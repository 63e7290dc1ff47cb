"""Making models: read, split by time, fit, evaluate, track, register, promote."""

from ml.threads import wait_passively

wait_passively()  # before anything below this package loads OpenMP
