"""The command line. Each command is thin: it reads options, asks the core and prints.

Commands that run no flow import neither Prefect nor OpenCV: they answer in well under a second.
"""

from __future__ import annotations

import sys

import click

from flows.cli import ledger, look, new, prove, read, rehearse, work
from flows.one_place import check_one_place
from providers.errors import MediaflowsError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mediaflows")
def cli() -> None:
    """Multi-model AI media workflows on Prefect: checked first, never paid twice, never lost."""


for command in (
    *look.COMMANDS,
    *new.COMMANDS,
    *work.COMMANDS,
    *read.COMMANDS,
    *ledger.COMMANDS,
    *rehearse.COMMANDS,
    *prove.COMMANDS,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; a mistake of the user's is one line and exit code 2."""
    try:
        check_one_place()
        cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        print("mediaflows: stopped", file=sys.stderr)
        sys.exit(5)
    except MediaflowsError as error:
        print(f"mediaflows: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does.
        sys.stderr.close()
        sys.exit(0)
