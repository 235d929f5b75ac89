"""The pipeline's exception."""


class PipelineError(Exception):
    """The run stopped and has written nothing; the message names the place and the remedy."""
