"""Studies: how each kind of learning problem is loaded, fitted, evaluated and compared."""
