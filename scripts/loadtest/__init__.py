"""The load test: mixed calls and a long list against a failing sandbox, verified with the sandbox's request log."""
