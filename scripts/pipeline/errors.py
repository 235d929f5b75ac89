"""The one exception of the pipeline."""


class PipelineError(Exception):
    """The run cannot go on; the message names the place and what a person must do. Nothing has been written."""
