"""Release wheels for every machine, built on one: `python -m tools.wheels`."""
