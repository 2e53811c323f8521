"""Measures what a scan takes of a small board, and whether music beside it goes on: ``python -m tools.contract``."""
