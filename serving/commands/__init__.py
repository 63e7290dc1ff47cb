"""The commands of serving, a module each: `chehang.cli` imports one when it is called."""
