"""The command line, `nexport`."""
