"""How fast the SDK is, measured beside its peers in one run; `scripts/benchmark` is the command."""
