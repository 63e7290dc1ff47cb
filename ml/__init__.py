"""What we compute and learn: tasks, estimators and the arithmetic beneath them."""

from ml.threads import wait_passively

wait_passively()  # before anything below this package loads OpenMP
