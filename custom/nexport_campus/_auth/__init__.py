"""Credentials, the token cache, and the redaction of secrets in everything but the request on the wire."""
