"""What we compute and learn: tasks, estimators and the arithmetic beneath them."""
