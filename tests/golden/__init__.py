"""Golden files: the figures of the six reports, the OpenAPI document, every command's JSON, and the service's answers.

`make golden` makes a small sample dealership, runs every command on it, and compares what comes out with the files
under `expected/`; `make golden-accept` writes those files anew.

The files belong to the locked versions (requirements-dev.lock): another LightGBM or Polars may give other figures.
Keys, texts and whole numbers must be equal; fractions are rounded to six digits and may differ by one part in 10,000,
because processors add in different orders.
"""
