"""Running a call: encoding its arguments, attempts and retries, and tracing."""
