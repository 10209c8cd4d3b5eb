"""Measures the product with real processes on this machine. `./run bench` runs it; README.md has what came out."""
