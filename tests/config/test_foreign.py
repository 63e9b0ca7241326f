"""A file that is no experiment is named, and nothing of it is shown."""

import pytest

from lrcli.errors import ExperimentError
from lrcli.experiment.loading import load

SECRET = "hunter2"  # noqa: S105
FOREIGN = {
    "passwd": f"root:x:0:0:{SECRET}:/root:/bin/bash\ndaemon:x:1:1:{SECRET}:/usr/sbin:/usr/sbin/nologin\n",
    "shadow": f"root:$6${SECRET}$abc:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n",
    "env": f"TOKEN={SECRET}\nexport OTHER='{SECRET}'\n",
    "env with colons": f"token: {SECRET}: x\n",
    "kubernetes": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: {{password: {SECRET}}}\n",
    "several documents": f"apiVersion: v1\n---\nkind: {SECRET}\n",
    "compose": f"name: app\nservices: {{db: {{image: x, environment: [PASSWORD={SECRET}]}}}}\nversion: 3\n",
    "workflow": f"name: CI\non: push\nenv: {{TOKEN: {SECRET}}}\njobs: {{}}\n",
    "package": f'{{"name": "a", "description": "b", "version": "{SECRET}", "license": "{SECRET}"}}',
    "logging": f"version: 1\nlogging: {{level: {SECRET}, handlers: [a]}}\nroot: {SECRET}\n",
    "another trainer": f"model: {{path: {SECRET}}}\ndataset: {{url: {SECRET}}}\nwandb: {{key: {SECRET}}}\n",
    "key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----\n",
    "ini": f"[default]\naws_secret_access_key = {SECRET}\n",
    "netrc": f"machine example.org login me password {SECRET}\n",
    "list": f"- {SECRET}\n- name: {SECRET}\n",
    "number": "42\n",
    "key twice": f"{SECRET}: 1\n{SECRET}: 2\n",
    "tag": f"a: !{SECRET} {SECRET}\n",
    "broken": f"{SECRET}: [1\n",
    "broken with a known word": f"name: {SECRET}: x\n{SECRET}: 1\nother: 2\n",
    "too deep": "[" * 100 + SECRET,
    "anchors": f"a: &a [*a, {SECRET}]\n",
    "half known": f"seed: {SECRET}\ndevice: {SECRET}\nuser: {SECRET}\npassword: {SECRET}\n",
}
MISTAKEN = {
    "an unknown key": ("optimiser: {kind: sgd}\nloss: {kind: mse}\n", "optimiser: unknown key"),
    "a wrong value": ("logging: {every: x}\n", "logging.every: must be a whole number, not the text 'x'"),
    "a block mistyped": (
        "dataset: {kind: linear, w: [1], b: 1}\ntrainig: {epochs: 3}\n",
        "trainig: unknown key",
    ),
    "broken": ("dataset: {kind: linear\nloss: {kind: mse}\n", "is not valid YAML"),
    "key twice": ("loss: {kind: mse}\nseed: 1\nseed: 2\n", "the key seed is given twice"),
    "a comma": ("optimizer: {kind: sgd, lr: 1,5}\n", "optimizer.5: unknown key"),
}


def refusal(tmp_path, base):
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "exp.yaml").write_text("seed: 1\nextends: base.yaml\n")
    with pytest.raises(ExperimentError) as caught:
        load(tmp_path / "exp.yaml")
    return str(caught.value)


@pytest.mark.parametrize("base", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_base_is_named(tmp_path, base):
    shown = refusal(tmp_path, base)
    assert SECRET not in shown
    base = tmp_path / "base.yaml"
    assert shown.splitlines()[0] == (
        f"{tmp_path / 'exp.yaml'}:2:10: extends: {base} is no experiment file; lrcli check {base} says why"
    )


@pytest.mark.parametrize("base", FOREIGN.values(), ids=FOREIGN)
def test_so_is_one_further_down(tmp_path, base):
    (tmp_path / "far.yaml").write_text(base)
    assert SECRET not in refusal(tmp_path, "extends: far.yaml\nloss: {kind: mse}\n")


@pytest.mark.parametrize(("base", "message"), MISTAKEN.values(), ids=MISTAKEN)
def test_a_base_with_a_mistake_is_quoted(tmp_path, base, message):
    shown = refusal(tmp_path, base)
    assert "base.yaml:" in shown
    assert message in shown
    assert any(f" | {line}" in shown for line in base.splitlines())
