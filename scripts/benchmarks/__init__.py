"""Benchmarks of the SDK against its peers, in one run; `scripts/benchmark` is the command."""
