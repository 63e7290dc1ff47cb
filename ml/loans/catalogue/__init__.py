"""Lenders, products and rules as dated configuration."""
