"""Credentials, the token cache, and the redaction of secrets everywhere except on the wire."""
