"""Methods that are only compared with: no command and no route uses them."""
