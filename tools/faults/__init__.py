"""Faults that a small machine meets, made on purpose, and what is lost by them: ``python -m tools.faults --help``."""
