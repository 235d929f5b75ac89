"""How one call runs: arguments are encoded, attempts are made and retried, the call is traced."""
