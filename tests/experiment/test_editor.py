"""What an editor shows of an experiment file, seen through yaml-language-server where it is installed."""

import itertools
import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from lrcli.experiment.experiment import Experiment

SERVER = shutil.which("yaml-language-server")
EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
MODELINE = "# yaml-language-server: $schema=./lrcli.schema.json\n"
SETTINGS = {"yaml": {"schemaStore": {"enable": False}, "hoverSchemaSource": False}}
TIMEOUT = 30.0

pytestmark = pytest.mark.skipif(SERVER is None, reason="yaml-language-server is not installed")


class Editor:
    """A client of the language server, over the server's standard input and output."""

    def __init__(self):
        self._process = subprocess.Popen(
            [SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._ids = itertools.count()
        self._arrived = queue.SimpleQueue()
        self._diagnostics = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"completion": {"completionItem": {"documentationFormat": ["markdown"]}}},
        }
        start = {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities}
        self.request("initialize", start)
        self.notify("initialized", {})
        return self

    def __exit__(self, *_):
        with self._process:  # closes the pipes
            try:
                self.request("shutdown", None)
                self.notify("exit", None)
                self._process.wait(TIMEOUT)
            finally:
                self._process.kill()
                self._reader.join(TIMEOUT)

    def open(self, file):
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": file.read_text()}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def diagnostics(self, file):
        while file.as_uri() not in self._diagnostics:
            self._receive()
        return self._diagnostics[file.as_uri()]

    def notify(self, method, params):
        self._send({"method": method, "params": params})

    def request(self, method, params):
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        while (message := self._receive()).get("id") != number or "method" in message:
            pass
        assert "error" not in message, message["error"]
        return message["result"]

    def _receive(self):
        message = self._arrived.get(timeout=TIMEOUT)
        assert message is not None, "the server has ended"
        match message:
            case {"method": "textDocument/publishDiagnostics", "params": params}:
                self._diagnostics[params["uri"]] = params["diagnostics"]
            case {"method": "workspace/configuration", "id": number, "params": {"items": items}}:
                self._send({"id": number, "result": [SETTINGS.get(item["section"]) for item in items]})
            case {"method": _, "id": number}:
                self._send({"id": number, "result": None})
        return message

    def _send(self, message):
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
        self._process.stdin.flush()

    def _read(self):
        stream = self._process.stdout
        while header := stream.readline():
            length = int(header.removeprefix(b"Content-Length:"))
            while stream.readline().strip():  # further headers, up to an empty line
                pass
            self._arrived.put(json.loads(stream.read(length)))
        self._arrived.put(None)


class View:
    """What the editor shows of a text, with the cursor at its ``|``."""

    def __init__(self, editor, directory, text):
        before, _, after = (MODELINE + text).partition("|")
        self.lines = (before + after).splitlines()
        self._editor, self._file = editor, directory / "experiment.yaml"
        self._file.write_text(before + after)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        self._place = {"textDocument": {"uri": self._file.as_uri()}, "position": position}
        editor.open(self._file)

    def offers(self):
        """The completions at the cursor, each with its documentation."""
        items = self._editor.request("textDocument/completion", self._place)["items"]
        return {item["label"]: _text(item.get("documentation", "")) for item in items}

    def hover(self):
        return _text(self._editor.request("textDocument/hover", self._place)["contents"])

    def marks(self):
        """The messages, each with the text that it marks."""
        return [
            (self._between(**found["range"]), found["message"])
            for found in self._editor.diagnostics(self._file)
        ]

    def _between(self, start, end):
        lines = self.lines[start["line"] : end["line"] + 1]
        lines[-1] = lines[-1][: end["character"]]
        lines[0] = lines[0][start["character"] :]
        return "\n".join(lines)


def _text(content):
    return content if isinstance(content, str) else content["value"]


@pytest.fixture(scope="module")
def editor():
    with Editor() as opened:
        yield opened


@pytest.fixture
def view(editor, tmp_path):
    (tmp_path / "lrcli.schema.json").write_text(json.dumps(Experiment.model_json_schema()))
    return lambda text: View(editor, tmp_path, text)
