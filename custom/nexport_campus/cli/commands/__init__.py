"""The commands of `nexport`, one module each; each is imported when it is used."""
