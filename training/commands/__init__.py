"""Commands of the command line that train, score and run; `chehang.cli` imports a module when its command is called."""
