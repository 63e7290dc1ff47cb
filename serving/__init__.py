"""Answering with the promoted model."""
