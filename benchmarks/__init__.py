"""Measurements of buildgraph, runnable as `python -m benchmarks NAME`."""
