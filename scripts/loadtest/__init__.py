"""The load run: mixed calls and a long walk against a failing sandbox, judged by the sandbox's own books."""
