"""`nexport demo`: demonstrate the SDK against a sandbox."""

import click

from nexport_campus import ConfigurationError

__all__ = ["command"]


@click.command(name="demo")
def command() -> None:
    """Demonstrate the SDK against a sandbox.

    Performs typical tasks and prints the results, in less than a minute. Needs the extra `sandbox`.
    """
    from nexport_campus.cli.demonstration import main
    from nexport_campus.sandbox import SandboxError

    try:
        main()
    except SandboxError as error:
        raise ConfigurationError(str(error)) from error
