"""Making models: read, split by time, fit, evaluate, track, register, promote."""
