"""Leads: value of channels, decay of response, and the order of calls."""
