"""Builds and checks what a release publishes: the distributions and the text of the release."""
