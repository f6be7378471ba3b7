"""A sandbox in a thread of this process, with the profile that a test asks for."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from providers.local.facts import MediaFacts
from providers.local.probe import decodes, probe_media
from providers.sandbox.behaviour import Profile
from providers.sandbox.desk import Desk
from providers.sandbox.dice import FAULTS, Rule
from providers.sandbox.journal import Folder
from providers.sandbox.listen import bound_socket, server
from providers.sandbox.server import Application

FLUX = "fal-ai/flux-2-pro"
CUTOUT = "fal-ai/birefnet/v2"


class Served:
    """One sandbox that serves, and a client that knows its keys."""

    def __init__(self, home: Path, profile: Profile, seed: int) -> None:
        self.home = home
        self.folder = Folder(home)
        self._ahead = 0.0
        self.desk = Desk(self.folder, profile, seed, lambda: time.time() + self._ahead)
        place = bound_socket(0, 0)
        place.listen(64)
        self.desk.host = f"127.0.0.1:{place.getsockname()[1]}"
        self.origin = f"http://{self.desk.host}"
        self._server = server(Application(self.desk))
        self._thread = threading.Thread(target=self._server.run, args=([place],), daemon=True)
        self._thread.start()
        self.http = httpx.Client(timeout=10, trust_env=False)
        self.base = {name: f"{self.origin}/{name}" for name in self.folder.keys}
        self.headers = {
            "fal": {"Authorization": f"Key {self.folder.keys['fal']}"},
            "replicate": {"Authorization": f"Bearer {self.folder.keys['replicate']}"},
            "bfl": {"x-key": self.folder.keys["bfl"]},
            "bria": {"api_token": self.folder.keys["bria"]},
        }

    def close(self) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(10)
        self.desk.gallery.close()
        self.folder.close()

    def later(self, seconds: float) -> None:
        """Move the sandbox's clock on, so that no test waits for a moment, or misses one."""
        self._ahead += seconds

    def call(self, vendor: str, method: str, url: str, **options: Any) -> httpx.Response:
        headers = self.headers[vendor] | options.pop("headers", {})
        url = url if url.startswith("http") else self.base[vendor] + url
        return self.http.request(method, url, headers=headers, **options)

    def fal(self, app: str = FLUX, **given: Any) -> dict[str, Any]:
        """Submit to fal and return the receipt."""
        answer = self.call("fal", "POST", f"/{app}", json=given or {"prompt": "a red mug"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fal_result(self, job: dict[str, Any]) -> httpx.Response:
        until(lambda: self.call("fal", "GET", job["status_url"]).status_code == 200)
        return self.call("fal", "GET", job["response_url"])

    def bfl(self, **given: Any) -> httpx.Response:
        return self.call("bfl", "POST", "/v1/flux-2-pro", json={"prompt": "a mug"} | given)

    def predict(self, model: str = "black-forest-labs/flux-2-pro", **options: Any) -> Any:
        given = options.pop("input", {"prompt": "a mug"})
        path = f"/v1/models/{model}/predictions"
        return self.call("replicate", "POST", path, json={"input": given}, **options)

    def bria(self, image: str, **given: Any) -> httpx.Response:
        path = "/v2/image/edit/remove_background"
        return self.call("bria", "POST", path, json={"image": image} | given)

    def upload(self, data: bytes, kind: str = "image/png") -> str:
        """Upload to fal's file host and return the URL."""
        token = self.call("fal", "POST", "/storage/auth/token", json={}).json()
        headers = {"Authorization": f"{token['token_type']} {token['token']}"}
        headers |= {"Content-Type": kind, "X-Fal-File-Name": "in.png"}
        url = f"{token['base_url']}/files/upload"
        return str(self.http.post(url, content=data, headers=headers).json()["access_url"])

    def invoice(self) -> list[dict[str, Any]]:
        import json

        return [json.loads(line) for line in self.http.get(f"{self.origin}/invoice").iter_lines()]


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start sandboxes; rules are dicts as in a profile's file."""
    opened: list[Served] = []

    def start(
        *rules: dict[str, Any], home: str = "sandbox", seed: int = 0, **options: Any
    ) -> Served:
        fast: dict[str, Any] = {"time_scale": 0.0005, "longest_seconds": 0.02, "pictures": "plain"}
        if "shortest_seconds" in options:
            fast["longest_seconds"] = 100
        profile = Profile("test", **fast | options, rules=tuple(map(rule, rules)))
        opened.append(Served(tmp_path / home, profile, seed))
        return opened[-1]

    yield start
    for served in opened:
        served.close()


def rule(data: dict[str, Any]) -> Rule:
    own = {"provider", "endpoint", "probability", "every", "nth"}
    options = {key: value for key, value in data.items() if key not in {*own, "fault", "at"}}
    known = {key: value for key, value in data.items() if key in own}
    return Rule(data["fault"], data.get("at", FAULTS[data["fault"]]), **known, options=options)


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    last = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.01)


def png(width: int = 96, height: int = 64, colour: str = "#c04030") -> bytes:
    image = Image.new("RGB", (width, height), "#e0e0e0")
    image.paste(colour, (width // 4, height // 4, width * 3 // 4, height * 3 // 4))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def picture(width: int, height: int, form: str = "PNG", mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, format=form)
    return buffer.getvalue()


def probed(data: bytes) -> MediaFacts:
    """Return the facts of a file all of which decodes."""
    path = Path("file")
    decodes(path, data)
    return probe_media(path, data)


def data_uri(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
