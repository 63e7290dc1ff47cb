"""Statistics that several subjects share: shrinkage, resampling and logistic regression."""
