"""The sandbox's server process: HTTP application, scripted faults, request log and private control routes."""
