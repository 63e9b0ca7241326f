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

from lrcli.authoring.schema import schema
from lrcli.components.registry import GROUPS

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
        return self

    def start(self):
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"completion": {"completionItem": {"documentationFormat": ["markdown"]}}},
        }
        client = {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities}
        self.request("initialize", client)
        self.notify("initialized", {})

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
    """What the editor shows of a file."""

    def __init__(self, editor, file, cursor=None):
        self.name = file.name
        self._editor, self._file = editor, file
        self._place = {"textDocument": {"uri": file.as_uri()}, "position": cursor}
        editor.open(file)

    def offers(self):
        """The completions at the cursor, each with its documentation."""
        items = self._editor.request("textDocument/completion", self._place)["items"]
        return {item["label"]: _text(item.get("documentation", "")) for item in items}

    def hover(self):
        return _text(self._editor.request("textDocument/hover", self._place)["contents"])

    def marks(self):
        """The messages, each with the text that it marks."""
        found = self._editor.diagnostics(self._file)
        return [(self._between(**each["range"]), each["message"]) for each in found]

    def _between(self, start, end):
        lines = self._file.read_text().splitlines()[start["line"] : end["line"] + 1]
        lines[-1] = lines[-1][: end["character"]]
        return "\n".join(lines)[start["character"] :]


def _text(content):
    return content if isinstance(content, str) else content["value"]


@pytest.fixture(scope="module")
def editor():
    with Editor() as started:
        started.start()
        yield started


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "lrcli.schema.json").write_text(json.dumps(schema()))
    return tmp_path


@pytest.fixture
def view(editor, directory):
    """Views a text, with the cursor where its ``|`` is."""

    def open_view(text):
        before, _, after = (MODELINE + text).partition("|")
        file = directory / "experiment.yaml"
        file.write_text(before + after)
        return View(editor, file, {"line": before.count("\n"), "character": len(before.split("\n")[-1])})

    return open_view


# In `{kind: adam, |}` the server offers nothing, whatever the schema, until a letter is typed.
@pytest.mark.parametrize(
    ("text", "offered", "others"),
    [
        ("optimizer: {kind: adam, b|}", {"betas", "eps", "amsgrad"}, {"momentum", "nesterov"}),
        ("optimizer:\n  kind: adam\n  |", {"betas", "eps", "amsgrad"}, {"momentum", "nesterov"}),
        ("optimizer:\n  |\n  kind: sgd", {"momentum", "nesterov"}, {"betas", "eps", "amsgrad"}),
        ("dataset: {kind: linear, n|}", {"w", "b", "num_train"}, {"phase"}),
        ("dataset:\n  kind: xor\n  |", {"num_train", "num_val"}, {"w", "b"}),
        ("optimizer: {kind: adam, schedule: {kind: step, e|}}", {"every", "gamma"}, {"min_lr", "betas"}),
        ("optimizer:\n  kind: adam\n  schedule:\n    kind: cosine\n    |", {"min_lr"}, {"every", "betas"}),
        ("model: {kind: linear, init: {kind: normal, s|}}", {"std"}, {"low", "high", "hidden"}),
        ("model:\n  kind: linear\n  init:\n    kind: uniform\n    |", {"low", "high"}, {"std"}),
        ("training:\n  |", {"epochs", "batch_size"}, {"kind", "lr"}),
        ("optimizer:\n  |", {"kind"}, {"epochs"}),
        ("extends: base.yaml\noptimizer:\n  |", {"kind", "lr", "betas", "momentum"}, {"epochs"}),
        ("seed: 1\n|", {"extends", "dataset", "model", "optimizer", "training"}, {"seed", "kind", "lr"}),
        ("extends: base.yaml\n|", {"dataset", "optimizer"}, {"extends", "kind", "lr"}),
        ("optimizer: {kind: adam, amsgrad: |}", {"true", "false"}, {"adam"}),
        ("loss: {kind: mse, reduction: |}", {"mean", "sum"}, {"mse"}),
    ],
)
def test_completion_offers_what_fits_the_kind(text, offered, others, view):
    shown = set(view(text + "\n").offers())
    assert offered <= shown
    assert not others & shown


@pytest.mark.parametrize("start", ["", "extends: base.yaml\n"])
@pytest.mark.parametrize("lines", ["{}: {{kind: |}}", "{}:\n  kind: |", "{}:\n  kind: |\n  lr: 1"])
@pytest.mark.parametrize("group", ["dataset", "model", "loss", "optimizer"])
def test_completion_after_kind_offers_the_kinds_with_their_meaning(group, lines, start, view):
    shown = view(start + lines.format(group) + "\n").offers()
    assert set(shown) == set(GROUPS[group])
    assert all(shown.values())


@pytest.mark.parametrize("start", ["", "extends: base.yaml\n"])
@pytest.mark.parametrize(
    ("text", "marked", "words"),
    [
        ("optimizer: {kind: adam, lrr: 0.1}", "lrr", ["lrr", "not allowed"]),
        ("optimizer: {kind: adam, momentum: 0.9}", "momentum", ["momentum", "not allowed"]),
        ("model: {kind: linear, hidden: [3]}", "hidden", ["hidden", "not allowed"]),
        ("optimizer: {kind: adam, schedule: {kind: cosine, min: 1}}", "min", ["min", "not allowed"]),
        ("trainin: {epochs: 3}", "trainin", ["trainin", "not allowed"]),
        ("training: {epoch: 3}", "epoch", ["epoch", "not allowed"]),
        ("optimizer: {kind: adamm, lr: 0.1, betas: [0.9, 0.99]}", "adamm", GROUPS["optimizer"]),
        ("loss: {kind: l3, reduction: sum}", "l3", GROUPS["loss"]),
        ("model: {kind: linear, init: {kind: norm, std: 1.0}}", "norm", GROUPS["init"]),
        ("optimizer: {kind: adam, lr: -1}", "-1", ["minimum of 0"]),
        ("optimizer: {kind: adam, betas: [0.9, 1.5]}", "1.5", ["maximum of 1"]),
        ("training: {batch_size: 0}", "0", []),
        ("training: {epochs: 1.5}", "1.5", ["integer"]),
        ("loss: {kind: mse, reduction: max}", "max", ["mean", "sum"]),
        ("optimizer: adam", "adam", []),
    ],
)
def test_a_mistake_is_marked_where_it_is(text, marked, words, start, view):
    found = [mark for mark in view(start + text + "\n").marks() if "Missing property" not in mark[1]]
    assert [where for where, _ in found] == [marked]
    assert [word for word in words if word not in found[0][1]] == []


def test_what_is_missing_is_named(view):
    messages = [message for _, message in view("dataset: {kind: linear, w: [1.0]}\nloss: {}\n").marks()]
    assert sorted(messages) == [f'Missing property "{key}".' for key in ("b", "kind", "model", "optimizer")]


def test_the_example_files_have_no_marks(editor, directory):
    copies = [directory / file.name for file in EXPERIMENTS]
    for file, copy in zip(EXPERIMENTS, copies, strict=True):
        copy.write_text(MODELINE + file.read_text())
    views = [View(editor, copy) for copy in copies]  # opened together, as the server waits before it checks
    assert {view.name: view.marks() for view in views} == {file.name: [] for file in EXPERIMENTS}


@pytest.mark.parametrize(
    "text",
    [
        "seed: 1",
        "optimizer: {lr: 0.1}",
        "optimizer: {kind: adam, lr: 1e-3}",
        "optimizer: {schedule: {gamma: 0.5}}",
        "dataset: {kind: linear, num_train: 1e3}",
        "training:",
        "optimizer: {lr: }",
        "optimizer:\n  <<: {kind: adam, lr: 0.1}\n  eps: 1e-6",
    ],
)
def test_a_file_that_extends_another_says_only_what_it_changes(text, view):
    assert view(f"extends: base.yaml\n{text}\n").marks() == []


@pytest.mark.parametrize("start", ["", "extends: base.yaml\n"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("se|ed: 1", "drives data"),
        ("tra|ining: {epochs: 1}", "how long"),
        ("training: {ep|ochs: 1}", "passes over the training set"),
        ("optimizer: {kind: adam, l|r: 0.1}", "learning rate"),
        ("optimizer: {kind: adam, schedule: {kind: cosine, min|_lr: 0.1}}", "the rate after the last step"),
        ("opt|imizer: {kind: adam}", "Kingma"),
    ],
)
def test_hover_explains_a_key(text, words, start, view):
    assert words in view(start + text + "\n").hover()


def test_hover_over_a_kind_explains_that_one(view):
    shown = view("optimizer: {kind: ada|mw}\n").hover()
    assert "decoupled" in shown
