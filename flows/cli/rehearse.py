"""Commands that need no provider: the sandbox."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--port", type=int, default=0, help="0: the last one again, or any that is free.")
@click.option("--profile", default="calm", help="calm, fast, flaky, hostile, or a JSON file.")
@click.option("--seed", type=int, default=1, help="Of the faults.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def sandbox(port: int, profile: str, seed: int, as_json: bool) -> None:
    """Serve the vendors' protocols on this machine, with an invoice and at no cost.

    Prints the variables that send any client here, and serves until Ctrl-C.
    """
    from flows.sandboxed import sandbox_folder
    from providers.sandbox.__main__ import main
    from tasks.home import find_home

    folder = sandbox_folder(find_home(), profile)
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["--port", str(port), "--profile", profile, "--seed", str(seed)]
    arguments += ["--home", str(folder), *(["--json"] if as_json else [])]
    sys.exit(main(arguments))


COMMANDS = (sandbox,)
