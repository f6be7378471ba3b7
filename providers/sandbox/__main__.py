"""`python -m providers.sandbox`: serve until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import gc
import json
import signal
import sys
from pathlib import Path
from typing import Any

from providers.errors import UserError
from providers.sandbox.places import base_variables, describe, key_variables


def main(arguments: list[str] | None = None) -> int:
    """Start a sandbox and return the exit code when it has stopped."""
    options = _parser().parse_args(arguments)
    try:
        return _serve(options)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m providers.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: the last one again, or any free")
    parser.add_argument("--profile", default="calm", help="a name, or the path of a JSON file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path, required=True, help="the folder of its state")
    parser.add_argument("--json", action="store_true", help="print one document on start")
    parser.add_argument("--tls-certificate", help="a PEM file; serves https")
    parser.add_argument("--tls-key", help="the certificate's key")
    parser.add_argument(
        "--root", action="append", default=[], metavar="HOST=PATH", help="PATH is HOST's root"
    )
    return parser


def _serve(options: argparse.Namespace) -> int:
    # Imported late: the server brings in the pixels, which `--help` and a wrong option need not.
    from providers.sandbox.behaviour import load_profile
    from providers.sandbox.desk import Desk
    from providers.sandbox.journal import Folder
    from providers.sandbox.listen import bound_socket, server
    from providers.sandbox.server import Application

    profile = load_profile(options.profile)
    folder = Folder(options.home)
    try:
        desk = Desk(folder, profile, options.seed)
        place = bound_socket(options.port, int(folder.identity.get("port", 0)))
        port = int(place.getsockname()[1])
        desk.host = f"127.0.0.1:{port}"
        roots = dict(root.split("=", 1) for root in options.root)
        running = server(Application(desk, roots), options.tls_certificate, options.tls_key)
        # Uvicorn sends itself the signal again when it has stopped; the end below must be reached.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(running, "should_exit", True))
        scheme = "https" if options.tls_certificate else "http"
        facts = describe(f"{scheme}://{desk.host}", folder.id, folder.keys, profile.name, desk.seed)
        place.listen(512)  # whoever reads the announcement can connect already
        folder.announce(facts)
        _say(facts, options.json)
        gc.freeze()  # what was imported is not looked through again and again
        gc.set_threshold(20_000, 20, 50)
        running.run(sockets=[place])
        desk.gallery.close()
    finally:
        folder.close()
    return 0


def _say(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts), flush=True)
        return
    for name, provider in facts["providers"].items():
        print(f"export {base_variables(name)}={provider['base_url']}")
        print(f"export {key_variables(name)}={provider['key']}")
    print(f"# invoice: {facts['invoice']}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
