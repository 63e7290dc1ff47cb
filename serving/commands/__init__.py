"""Commands of the service, one module each; `chehang.cli` imports a module when its command is called."""
