"""Reference methods for comparison only; no command and no route uses them."""
