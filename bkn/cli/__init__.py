"""The commands of `python -m bkn`: one file each, with `add(parser)` and `run(arguments)`."""
