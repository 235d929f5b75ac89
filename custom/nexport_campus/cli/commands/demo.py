"""`nexport demo`: demonstrates the SDK against a sandbox."""

import click

from nexport_campus import ConfigurationError

__all__ = ["command"]


@click.command(name="demo")
def command() -> None:
    """Demonstrate the SDK against a sandbox.

    Does its main jobs and prints what happens, in less than a minute. Needs the extra `sandbox`.
    """
    from nexport_campus.demo import main
    from nexport_campus.sandbox import SandboxError

    try:
        main()
    except SandboxError as error:
        raise ConfigurationError(str(error)) from error
