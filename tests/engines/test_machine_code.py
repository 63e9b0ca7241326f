"""Machine code on disk: found again where it is sound, made again where it is not, never anyone else's."""

import contextlib
import errno
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from lrcli.engines.compiled import code_cache, machine_code
from lrcli.engines.compiled.machine_code import Code, compiler_missing, find, load, make
from lrcli.engines.compiled.records import Record
from lrcli.engines.compiled.signatures import RECORDS
from lrcli.errors import EngineError

if compiler_missing():
    pytest.skip(compiler_missing(), allow_module_level=True)

SMALLEST = next(name for name in RECORDS if name not in {"train", "evaluate"})
CODE = Code(SMALLEST, "float32", 1, 1)
ECHO = "import sys; sys.stdout.write('made ' + ' '.join(sys.argv[1:]))"
MADE = b"made " + " ".join(map(str, CODE)).encode()

posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owner here")


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The folder of caches and the temporary folder, both of this test alone."""
    caches, temporary = tmp_path / "caches", tmp_path / "temporary"
    caches.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(code_cache, "_caches", lambda: caches)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return SimpleNamespace(caches=caches, temporary=temporary)


@pytest.fixture
def compiler(monkeypatch):
    """Takes the compiler's place; its calls. It says in milliseconds what it was to make."""
    popen, calls = subprocess.Popen, []

    def start(command, **options):
        words = command[4 : 4 + len(CODE)]
        calls.append(words)
        return popen([sys.executable, "-SE", "-c", calls.program, *words], **options)

    class Calls(list):
        program = ECHO

    calls = Calls()
    monkeypatch.setattr(machine_code.subprocess, "Popen", start)
    return calls


@pytest.fixture
def new_facts():
    """The facts about machine and sources are looked at once in a process."""
    machine_code._fingerprint.cache_clear()
    yield machine_code._fingerprint.cache_clear
    machine_code._fingerprint.cache_clear()


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


# Found again.


def test_what_was_made_is_found(places, compiler):
    assert find(CODE) is None
    assert make([CODE]) == [MADE]
    assert find(CODE) == MADE
    assert compiler == [[*map(str, CODE)]]
    (file,) = files(places.caches)
    assert files(places.temporary) == []
    if hasattr(os, "getuid"):
        assert (file.stat().st_mode | file.parent.stat().st_mode) & 0o077 == 0


def test_nothing_is_made_of_nothing(places, compiler):
    assert make([]) == []
    assert not list(places.caches.iterdir())


def test_each_function_for_each_kind_of_lane_is_a_file_of_its_own(places, compiler):
    codes = [
        Code(name, dtype, members, units)
        for name in RECORDS
        for dtype in ("float32", "float64")
        for members, units in ((1, 4), (1, 16), (16, 1))
    ]
    for pair in itertools.batched(codes, 6) if hasattr(itertools, "batched") else [codes]:
        make(list(pair))
    assert len(files(places.caches)) == len(codes)
    assert [find(code) for code in codes] == [f"made {' '.join(map(str, code))}".encode() for code in codes]


def test_results_come_in_the_order_asked_for(places, compiler):
    """Whichever compiler is ready first."""
    compiler.program = f"import sys, time; time.sleep(0.3 * (sys.argv[2] == 'float32')); {ECHO}"
    codes = [CODE, CODE._replace(dtype="float64")]
    assert make(codes) == [find(code) for code in codes]
    assert find(codes[0]) != find(codes[1])


DAMAGES = {
    "empty": lambda data: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "within the digest": lambda data: data[:20],
    "digest alone": lambda data: data[:32],
    "beginning lost": lambda data: data[1:],
    "a bit of the code": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "a bit of the digest": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "more": lambda data: data + b"\0",
    "zeros": lambda data: bytes(len(data)),
    "text": lambda data: b"hello",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_as_if_it_were_not_there(places, compiler, damage):
    make([CODE])
    (file,) = files(places.caches)
    sound = file.read_bytes()
    file.write_bytes(damage(sound))
    assert find(CODE) is None
    make([CODE])
    assert files(places.caches) == [file]
    assert file.read_bytes() == sound
    assert find(CODE) == MADE


@posix
def test_a_folder_in_the_place_of_the_file(places, compiler):
    make([CODE])
    (file,) = files(places.caches)
    file.unlink()
    file.mkdir()
    assert find(CODE) is None
    assert make([CODE]) == [MADE]
    assert find(CODE) == MADE
    assert len(files(places.temporary)) == 1
    assert files(places.caches) == []


# What others could have written.


@posix
@pytest.mark.parametrize("mode", [0o722, 0o720, 0o702, 0o777])
def test_a_folder_that_others_can_write_to(places, compiler, mode):
    make([CODE])
    folder = files(places.caches)[0].parent
    folder.chmod(mode)
    assert find(CODE) is None
    make([CODE])
    (file,) = files(places.temporary)
    assert file.parent.stat().st_mode & 0o077 == 0
    assert find(CODE) == MADE
    file.parent.chmod(mode)
    assert find(CODE) is None
    assert make([CODE]) == [MADE]


@posix
def test_a_folder_of_someone_else(places, compiler, monkeypatch):
    make([CODE])
    someone = os.getuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: someone)
    before = files(places.caches)
    assert find(CODE) is None
    assert make([CODE]) == [MADE]
    assert files(places.caches) == before
    assert files(places.temporary) == []


# Nowhere to write.


def test_the_folder_of_caches_is_the_platforms(tmp_path, monkeypatch, compiler):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    make([CODE])
    assert len(files(tmp_path / "caches" / "lrcli")) == 1
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    make([CODE])
    assert len(files(tmp_path / "home" / ".cache" / "lrcli")) == 1


@posix
@pytest.mark.parametrize("above", [0, 1, 2])
def test_caches_that_cannot_be_written(places, compiler, monkeypatch, tmp_path, above):
    """A file is where a folder should be, which stops root, too: code goes to the temporary folder."""
    (tmp_path / "file").touch()
    caches = tmp_path.joinpath("file", *["below"] * above)
    monkeypatch.setattr(code_cache, "_caches", lambda: caches)
    assert find(CODE) is None
    make([CODE])
    assert len(files(places.temporary)) == 1
    assert find(CODE) == MADE


@posix
def test_a_folder_that_can_only_be_read(places, compiler, monkeypatch):
    """What lies there is used; what is new goes to the temporary folder."""
    make([CODE])
    write = code_cache.private_folder

    @contextlib.contextmanager
    def only_read(path, *, make=False):
        if make and path.is_relative_to(places.caches):
            raise PermissionError(errno.EACCES, "Permission denied")
        with write(path, make=make) as folder:
            yield folder

    monkeypatch.setattr(code_cache, "private_folder", only_read)
    other = CODE._replace(dtype="float64")
    make([other])
    assert find(CODE) == MADE
    assert find(other) is not None
    assert (len(files(places.caches)), len(files(places.temporary))) == (1, 1)


def no_home():
    raise RuntimeError("Could not determine home directory.")


def no_temporary_folder():
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")


@posix
def test_no_home(places, compiler, monkeypatch):
    monkeypatch.setattr(code_cache, "_caches", no_home)
    make([CODE])
    assert find(CODE) == MADE


def test_no_place_at_all(places, compiler, monkeypatch):
    """It works; the next process compiles again."""
    monkeypatch.setattr(code_cache, "_caches", no_home)
    monkeypatch.setattr(tempfile, "gettempdir", no_temporary_folder)
    for _ in range(2):
        assert find(CODE) is None
        assert make([CODE]) == [MADE]
    assert len(compiler) == 2


def test_a_temporary_folder_that_is_missing_does_no_harm(places, compiler, monkeypatch):
    monkeypatch.setattr(tempfile, "gettempdir", no_temporary_folder)
    make([CODE])
    assert find(CODE) == MADE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
@pytest.mark.parametrize("size", [10, 100_000])
def test_a_disk_that_is_full_keeps_no_partial_file(places, compiler, monkeypatch, size):
    """A small file meets the full disk as it is closed, a large one as it is written."""
    compiler.program = f"import sys; sys.stdout.write('x' * {size})"
    real_open = os.open

    def full(path, flags, *mode, **where):
        descriptor = real_open(path, flags, *mode, **where)
        if flags & os.O_CREAT:
            os.dup2(real_open("/dev/full", os.O_WRONLY), descriptor)
        return descriptor

    monkeypatch.setattr(os, "open", full)
    assert make([CODE]) == [b"x" * size]
    assert files(places.caches) == files(places.temporary) == []
    assert find(CODE) is None


def test_a_file_that_cannot_be_renamed_is_not_left(places, compiler, monkeypatch):
    def refuse(*path, **where):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(os, "replace", refuse)
    assert make([CODE]) == [MADE]
    assert files(places.caches) == files(places.temporary) == []


# What the code depends on.


def test_another_processor_has_other_code(places, compiler, monkeypatch, new_facts):
    from llvmlite import binding as llvm

    make([CODE])
    names = {machine_code._file_name(CODE)}
    for fact, value in {
        "get_host_cpu_name": lambda: "z80",
        "get_host_cpu_features": lambda: llvm.FeatureMap({"sse": True}),
        "get_process_triple": lambda: "avr-unknown-unknown",
    }.items():
        with monkeypatch.context() as context:
            context.setattr(llvm, fact, value)
            new_facts()
            assert find(CODE) is None
            names.add(machine_code._file_name(CODE))
    assert len(names) == 4
    new_facts()
    assert find(CODE) == MADE


@pytest.mark.parametrize("package", ["numba", "llvmlite"])
def test_another_compiler_makes_other_code(places, compiler, monkeypatch, new_facts, package):
    make([CODE])
    version = machine_code.metadata.version
    other = lambda name: "9.9" if name == package else version(name)  # noqa: E731
    monkeypatch.setattr(machine_code.metadata, "version", other)
    new_facts()
    assert find(CODE) is None


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of the package, whose sources count in place of the package's own."""
    copy = tmp_path / "lrcli"
    shutil.copytree(Path(machine_code.__file__).parents[2], copy, ignore=shutil.ignore_patterns("*.pyc"))
    monkeypatch.setattr(machine_code, "__file__", str(copy / "engines" / "compiled" / "machine_code.py"))
    return copy


def test_a_source_that_changed_makes_other_code(places, compiler, sources, new_facts):
    make([CODE])
    counting = [*sources.rglob("kernels/*.py"), *sources.rglob("compiled/signatures.py")]
    counting.append(sources / "engines" / "compiled" / "records.py")
    assert len(counting) > 5
    for source in counting:
        text = source.read_bytes()
        source.write_bytes(text + b"# changed\n")
        new_facts()
        assert find(CODE) is None, source
        source.write_bytes(text)
    new_facts()
    assert find(CODE) == MADE


def test_a_source_that_says_nothing_of_the_code_may_change(places, compiler, sources, new_facts):
    make([CODE])
    (sources / "training" / "loop.py").write_text("# changed\n")
    (sources / "engines" / "torch" / "models.py").unlink()
    new_facts()
    assert find(CODE) == MADE


@pytest.mark.parametrize("names", ["LOSSES", "ACTIVATIONS", "OPTIMIZERS"])
def test_components_in_another_order_have_other_code(places, compiler, monkeypatch, new_facts, names):
    """Their order is that of the components' own modules, and the code knows them by their numbers."""
    make([CODE])
    monkeypatch.setattr(machine_code, names, getattr(machine_code, names)[::-1])
    new_facts()
    assert find(CODE) is None


def swapped(record, one, other):
    """The record with two of its fields in each other's place."""
    order = {one: other, other: one}
    groups = {
        group: {order.get(name, name): record.fields[order.get(name, name)] for name in fields}
        for group, fields in record.groups.items()
    }
    return Record(record.along, **groups)


def test_a_description_that_changed_has_other_code(places, compiler, monkeypatch, new_facts):
    """Code that was compiled with two fields in each other's place is never loaded."""
    make([CODE])
    record = swapped(RECORDS["train"], "limits", "active")
    assert record.fields == RECORDS["train"].fields
    monkeypatch.setitem(machine_code.RECORDS, "train", record)
    new_facts()
    assert find(CODE) is None


# Compiling.


def test_a_compiler_that_fails(places, compiler):
    compiler.program = "import sys; print('one\\nthe reason', file=sys.stderr); sys.exit(1)"
    with pytest.raises(EngineError, match=r"^engine: \w+ could not be compiled: the reason; engine: torch "):
        make([CODE])
    assert list(places.caches.iterdir()) == []
    assert EngineError.exit_code == 2


def test_a_compiler_that_fails_without_a_word(places, compiler):
    compiler.program = "import os; os._exit(3)"
    with pytest.raises(EngineError, match="could not be compiled: no message"):
        make([CODE])


def test_of_two_compilers_one_fails(places, compiler):
    """The other is not waited for, and nothing is kept."""
    compiler.program = f"import sys, time; sys.argv[2] == 'float32' or time.sleep(60); {ECHO}; sys.exit(1)"
    with pytest.raises(EngineError):
        make([CODE, CODE._replace(dtype="float64")])
    assert files(places.caches) == []


def test_a_compiler_with_much_to_say_does_not_block(places, compiler):
    compiler.program = (
        f"import sys; sys.stderr.write('warning\\n' * 10**5); {ECHO}; sys.stdout.write('x' * 10**6)"
    )
    both = make([CODE, CODE._replace(dtype="float64")])
    assert [len(content) > 10**6 for content in both] == [True, True]


@pytest.mark.skipif(not hasattr(os, "getsid"), reason="no sessions of processes")
def test_ctrl_c_does_not_reach_the_compiler(places, compiler):
    """The terminal sends it to a whole group of processes; a compiler that dies would look like a failure."""
    compiler.program = "import os, sys; sys.stdout.write(str(os.getpgrp()))"
    assert int(make([CODE])[0]) != os.getpgrp()


def test_variables_of_numba_are_not_handed_on(places, compiler, monkeypatch):
    """A user's settings of Numba are not in the name of the file."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    compiler.program = "import os, sys; sys.stdout.write(str(os.environ.get('NUMBA_DISABLE_JIT')))"
    assert make([CODE]) == [b"None"]


AT_ONCE = """
import subprocess, sys, tempfile
from pathlib import Path
from lrcli.engines.compiled import code_cache, machine_code

caches, moment = Path(sys.argv[1]), sys.argv[2]
code_cache._caches = lambda: caches
popen = subprocess.Popen
program = (
    "import sys, time; time.sleep(max(0, float(sys.argv[1]) - time.time())); sys.stdout.write('x' * 10**6)"
)
subprocess.Popen = lambda command, **options: popen([sys.executable, "-SE", "-c", program, moment], **options)
code = machine_code.Code(*sys.argv[3:5], 1, 1)
assert machine_code.make([code]) == [b"x" * 10**6]
assert machine_code.find(code) == b"x" * 10**6
"""


def test_processes_that_compile_the_same_at_once(places):
    """All come to writing at the same moment; each has what it made, and one file stays."""
    words = [sys.executable, "-c", AT_ONCE, places.caches, str(time.time() + 1.5), SMALLEST, "float32"]
    running = [subprocess.Popen(words, stderr=subprocess.PIPE) for _ in range(3)]
    for process in running:
        assert process.communicate(timeout=60)[1] == b""
        assert process.returncode == 0
    assert find(CODE) == b"x" * 10**6
    assert len(files(places.caches)) == 1


def test_the_compiler_itself(places):
    """Once in earnest: what it makes is found, loaded and called."""
    assert compiler_missing() is None
    (content,) = make([CODE])
    assert find(CODE) == content
    function = load(content)
    function(0, 0, 0, 0)  # nothing to do


def test_a_function_that_there_is_not(places):
    with pytest.raises(EngineError, match="nonsense could not be compiled: KeyError: 'nonsense'"):
        make([Code("nonsense", "float32", 1, 1)])


@pytest.mark.parametrize("missing", [["numba"], ["llvmlite"], ["llvmlite", "numba"]])
def test_a_compiler_that_is_not_installed(monkeypatch, missing):
    find_spec = machine_code.util.find_spec
    monkeypatch.setattr(
        machine_code.util,
        "find_spec",
        lambda name, *more: None if name in missing else find_spec(name, *more),
    )
    compiler_missing.cache_clear()
    try:
        assert compiler_missing() == f"{' and '.join(missing)} not installed"
    finally:
        compiler_missing.cache_clear()
