"""`demand_forecast`: quantiles of what each store will sell of each model, from panels of any regular frequency."""
