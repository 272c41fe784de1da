# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium, driven by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).

It has a network namespace of its own without any interface that is up, so that a page which needs the network fails.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # the tests run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)


class Browser:
    """The browser. Commands go to it by a pipe, one at a time; what it tells by itself is kept in ``events``."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self.process, self._to, self._back = process, to, back
        self._number, self._rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Carry out a command and return what it answers."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self._to, text) :]
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._back, 1 << 20)
            if not more:
                raise RuntimeError("Chromium has ended")
            self._rest += more
        text, _end, self._rest = self._rest.partition(b"\0")
        return json.loads(text)


class Page:
    """A tab that has one of our pages open."""

    def __init__(self, browser: Browser, width: int, height: int, dark: bool, scale: float = 1) -> None:
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.target = target
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.width, self.height, self.scale = width, height, scale
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.emulate(width, height, dark)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Carry out a command in this tab."""
        return self.browser.call(method, self.session, **parameters)

    def emulate(self, width: int, height: int, dark: bool, media: str = "") -> None:
        """Have the screen of a device, or paper (media=print)."""
        self.width, self.height = width, height
        phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=self.scale, mobile=phone
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def open(self, path: Path, fragment: str = "", program: bool = True) -> None:
        """Open a file and wait until it is loaded, and its program, if it has one, has said that it has run."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"{path.resolve().as_uri()}{fragment}")
        wait = """new Promise(done => {
            const ready = () => !PROGRAM || document.documentElement.dataset.ready;
            const look = () => ready() ? done(1) : setTimeout(look, 10);
            document.readyState === "complete" ? look() : addEventListener("load", look);
        })"""
        for _turn in range(100):
            try:
                if self.run("location.protocol") == "file:":
                    self.run(wait.replace("PROGRAM", "true" if program else "false"))
                    return
            except RuntimeError:  # the old document went away meanwhile
                continue
        raise RuntimeError(f"{path} does not open")

    def run(self, script: str) -> Any:
        """Evaluate an expression, wait for it if it is a promise, and return its value."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Press and release a key."""
        codes = {
            "Enter": 13,
            "Escape": 27,
            "Tab": 9,
            "ArrowDown": 40,
            "ArrowUp": 38,
            "End": 35,
            "Home": 36,
            "PageDown": 34,
        }
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            code = codes.get(key, ord(key[0].upper()))
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)

    def type(self, text: str) -> None:
        """Type some text where the focus is."""
        self.call("Input.insertText", text=text)

    def picture(self, path: Path, whole: bool = False) -> None:
        """Keep a picture of what is seen, or of the whole page."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[str]:
        """What the console got of errors and warnings, what failed to load, and what asked for the network."""
        self.run("1")
        said = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            method, parameters = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                said.append(json.dumps(parameters["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                said.append(json.dumps(parameters["args"]))
            elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                said.append(json.dumps(parameters["entry"]))
            elif method == "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                if not url.startswith(("file:", "data:", "about:")):
                    said.append(f"asks for {url}")
        return said

    def close(self) -> None:
        """Close the tab."""
        self.browser.call("Target.closeTarget", targetId=self.target)


@contextmanager
def chromium(program: str = "chromium") -> Iterator[Browser]:
    """Start a browser without any network, and end it."""
    to_read, to_write = os.pipe()
    back_read, back_write = os.pipe()
    with tempfile.TemporaryDirectory() as home:
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        script = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
        command = ["unshare", "--net", "bash", "-c", script, "-", str(to_read), str(back_write)]
        process = subprocess.Popen(
            [*command, program, *ARGUMENTS, f"--user-data-dir={home}/profile"],
            pass_fds=(to_read, back_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": home, "TZ": "UTC", "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        os.close(to_read)
        os.close(back_write)
        timer = threading.Timer(300, process.kill)
        timer.start()
        try:
            yield Browser(process, to_write, back_read)
        finally:
            timer.cancel()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(to_write)
            os.close(back_read)
