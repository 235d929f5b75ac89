"""`nexport completion`: prints a script that teaches a shell to complete commands, operations, options and values."""

import click
from click.shell_completion import get_completion_class

__all__ = ["command"]

_VARIABLE = "_NEXPORT_COMPLETE"


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash: nexport completion bash > ~/.local/share/bash-completion/completions/nexport
    zsh:  nexport completion zsh > ~/.zfunc/_nexport  (a directory of $fpath)
    fish: nexport completion fish > ~/.config/fish/completions/nexport.fish
    """  # noqa: D301 -- click's escape for a paragraph that isn't rewrapped
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(ctx.find_root().command, {}, "nexport", _VARIABLE).source())
