"""`nexport demo`: the main jobs, against a sandbox."""

import click

from nexport_campus import ConfigurationError

__all__ = ["command"]


@click.command(name="demo")
def command() -> None:
    """Show the SDK at work against a sandbox on this machine, in well under a minute."""
    from nexport_campus.demo import main
    from nexport_campus.sandbox import SandboxError

    try:
        main()
    except SandboxError as error:
        raise ConfigurationError(str(error)) from error
