"""`nexport demo`: the main jobs, against a sandbox."""

import click

from nexport_campus import ConfigurationError

__all__ = ["command"]


@click.command(name="demo")
def command() -> None:
    """Show the SDK at work against a sandbox.

    It takes well under a minute, and needs the extra `sandbox`.
    """
    from nexport_campus.demo import main
    from nexport_campus.sandbox import SandboxError

    try:
        main()
    except SandboxError as error:
        raise ConfigurationError(str(error)) from error
