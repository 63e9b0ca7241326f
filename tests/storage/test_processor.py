"""The name of the processor: from what the system tells, and never from another program."""

import platform
import subprocess
import sys

import pytest

from lrcli.storage import processor

X86 = "processor\t: 0\nmodel name\t: Some(R)  CPU @ 2.00GHz\n\nprocessor\t: 1\nmodel name\t: other\n"
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nCPU part\t: 0xd0c\n"
POWER = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\n"


@pytest.fixture(autouse=True)
def _no_process(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (X86, "Some(R) CPU @ 2.00GHz"),
        (X86 * 1000, "Some(R) CPU @ 2.00GHz"),
        (ARM, platform.machine()),
        (POWER, "POWER9, altivec supported"),
        ("", platform.machine()),
        ("model name\t: \xff\xfe\x00\n", "ÿþ\x00"),
    ],
    ids=["x86", "many cores", "arm", "power", "nothing", "strange"],
)
def test_a_system_tells_the_name(tmp_path, monkeypatch, told, name):
    (tmp_path / "cpuinfo").write_text(told, encoding="utf-8")
    monkeypatch.setattr(processor, "_INFO", tmp_path / "cpuinfo")
    assert processor.processor_name() == name


def test_without_a_name_it_is_the_architecture(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "_INFO", tmp_path / "nothing")
    assert processor.processor_name() == platform.machine()
    for other in ("darwin", "win32", "freebsd14"):  # which this is not, so nothing is found
        monkeypatch.setattr(sys, "platform", other)
        assert processor.processor_name()
