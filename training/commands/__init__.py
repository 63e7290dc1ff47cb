"""The commands of training, a module each: `chehang.cli` imports one when it is called."""
