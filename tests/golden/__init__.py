"""Golden files: reports of the six tasks, the OpenAPI document, the JSON output of every command and HTTP responses.

`make golden` generates a small sample dealership, runs every command on it and compares the output with the files
under `expected/`; `make golden-accept` rewrites those files.

The files belong to the locked versions (requirements-dev.lock); other versions of LightGBM or Polars may give other
figures. Keys, texts and integers must be equal; fractions are rounded to six digits and may differ by one part in
10,000, because processors add in different orders.
"""
