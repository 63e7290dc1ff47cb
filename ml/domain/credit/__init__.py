"""Credit scoring: decision bands, cut-offs, scorecard points and reason codes."""
