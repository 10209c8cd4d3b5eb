"""Faults on purpose, at every step of a turn, in real processes on real PostgreSQL."""
