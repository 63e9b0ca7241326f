"""What a repository says should be run is not run, and the answer is right without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lrcli.storage.git import Git, find_git
from lrcli.storage.provenance import GitState

if find_git() is None:
    pytest.skip("git is not installed", allow_module_level=True)

posix = pytest.mark.skipif(os.name == "nt", reason="programs in the form of shell scripts")
UNKNOWN = {"git_commit": None, "git_dirty": None}


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path, monkeypatch):
    """None of the user's, and no repository around the tests'."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b")


def git(directory, *words):
    done = subprocess.run(["git", "-C", directory, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit_all(directory):
    git(directory, "add", ".")
    git(directory, "commit", "-qm", "a commit")


def make(directory):
    directory.mkdir(parents=True)
    git(directory, "init", "-q")
    (directory / "exp.yaml").write_text("a: 1\n")
    commit_all(directory)
    return directory


@pytest.fixture
def repository(tmp_path):
    return make(tmp_path / "repository")


def state(directory):
    with GitState(directory) as asked:
        return asked.answer(30.0)


def dirty(directory):
    return state(directory)["git_dirty"]


def touch(path):
    """The file looks changed to whoever does not read it."""
    os.utime(path, (1, 1))


@pytest.fixture
def program(tmp_path):
    """A program that says that it ran."""
    path = tmp_path / "evil"
    path.write_text(f"#!/bin/sh\necho ran >> '{tmp_path}/ran'\ncat\n")
    path.chmod(0o755)
    yield path
    assert not (tmp_path / "ran").exists()


# The answer.


def test_what_is_dirty(repository):
    commit = git(repository, "rev-parse", "HEAD")
    assert state(repository) == {"git_commit": commit, "git_dirty": False}
    touch(repository / "exp.yaml")
    assert not dirty(repository)
    for change, undo in {
        lambda: (repository / "exp.yaml").write_text("a: 2\n"): lambda: git(repository, "checkout", "."),
        lambda: (repository / "new").touch(): (repository / "new").unlink,
        lambda: (repository / "exp.yaml").unlink(): lambda: git(repository, "checkout", "."),
        lambda: git(repository, "mv", "exp.yaml", "b.yaml"): lambda: git(repository, "reset", "-q", "--hard"),
    }.items():
        change()
        assert state(repository) == {"git_commit": commit, "git_dirty": True}
        undo()
        assert not dirty(repository)


def test_what_is_ignored(repository):
    (repository / ".git" / "info" / "exclude").write_text("runs\n")
    (repository / "runs").mkdir()
    (repository / "runs" / "file").touch()
    assert not dirty(repository)


def test_from_a_folder_below(repository):
    """It is the whole repository that counts."""
    (repository / "below").mkdir()
    assert state(repository / "below") == state(repository)
    (repository / "new").touch()
    assert dirty(repository / "below")


def test_before_the_first_commit(tmp_path):
    git(tmp_path, "init", "-q")
    assert state(tmp_path) == {"git_commit": None, "git_dirty": False}
    (tmp_path / "new").touch()
    assert state(tmp_path) == {"git_commit": None, "git_dirty": True}


def test_no_repository(tmp_path):
    assert state(tmp_path) == UNKNOWN
    assert state(tmp_path / "nowhere") == UNKNOWN


def test_another_working_tree_of_a_repository(repository, tmp_path):
    git(repository, "worktree", "add", "-q", tmp_path / "tree")
    assert state(tmp_path / "tree") == state(repository)
    (tmp_path / "tree" / "new").touch()
    assert dirty(tmp_path / "tree")
    assert not dirty(repository)


@pytest.fixture
def submodule(repository, tmp_path):
    make(tmp_path / "library")
    words = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", tmp_path / "library", "inner"]
    git(repository, *words)
    commit_all(repository)
    assert not dirty(repository)
    return repository / "inner"


def test_a_submodule(repository, submodule):
    assert state(submodule)["git_commit"] == git(submodule, "rev-parse", "HEAD")
    (submodule / "new").touch()
    assert dirty(submodule)
    assert dirty(repository)
    (submodule / "new").unlink()
    (submodule / "exp.yaml").write_text("a: 2\n")
    assert dirty(repository)
    commit_all(submodule)
    assert not dirty(submodule)
    assert dirty(repository)


def test_of_another_repository_in_the_environment(repository, tmp_path, monkeypatch):
    """As git has it while it runs a hook: the experiment's is meant."""
    expected = state(repository)
    other = make(tmp_path / "other")
    (other / "new").touch()
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert state(repository) == expected


def test_names_that_are_no_text(repository):
    git(repository, "config", "core.quotePath", "false")
    name = b"\xff" if sys.platform == "linux" else "ü".encode()
    (repository / os.fsdecode(name)).touch()
    assert dirty(repository)


# What a repository says should be run.


@posix
def test_a_monitor_of_files(repository, program):
    git(repository, "config", "core.fsmonitor", program)
    assert not dirty(repository)


@posix
@pytest.mark.parametrize("key", ["clean", "process"])
@pytest.mark.parametrize("name", ["f", "a.b", "a b", "Ü"])
@pytest.mark.parametrize("required", ["true", "false"])
def test_a_filter(repository, program, key, name, required):
    """Of a file that only the filter could judge it cannot be told whether it has changed."""
    (repository / ".git" / "info" / "attributes").write_text('"*.yaml" filter=f\n')
    git(repository, "config", f"filter.{name}.{key}", program)
    git(repository, "config", f"filter.{name}.required", required)
    git(repository, "config", "filter.f.smudge", program)
    assert not dirty(repository)
    touch(repository / "exp.yaml")
    assert not dirty(repository)
    (repository / "exp.yaml").write_text("a: 2\n")
    assert dirty(repository) is None
    (repository / "new").touch()
    assert dirty(repository)


@posix
def test_a_filter_beside_a_file_that_has_changed(repository, program):
    (repository / "plain").write_text("1")
    commit_all(repository)
    (repository / ".git" / "info" / "attributes").write_text("*.yaml filter=f\nplain -filter\n")
    git(repository, "config", "filter.f.clean", program)
    (repository / "exp.yaml").write_text("a: 2\n")
    (repository / "plain").write_text("2")
    assert dirty(repository)


@posix
def test_a_filter_without_a_name(repository, program):
    (repository / ".git" / "info" / "attributes").write_text("*.yaml filter=\n")
    with (repository / ".git" / "config").open("a") as file:
        file.write(f'[filter ""]\n\tclean = {program}\n[filter]\n\tclean = {program}\n')
    touch(repository / "exp.yaml")
    assert not dirty(repository)


@posix
def test_a_filter_whose_name_cannot_be_switched_off(repository, program):
    (repository / ".git" / "info" / "attributes").write_text("*.yaml filter=a=b\n")
    with (repository / ".git" / "config").open("a") as file:
        file.write(f'[filter "a=b"]\n\tclean = {program}\n')
    touch(repository / "exp.yaml")
    assert state(repository) == {"git_commit": git(repository, "rev-parse", "HEAD"), "git_dirty": None}


@posix
def test_programs_of_a_submodule(repository, submodule, program):
    for key in ("core.fsmonitor", "filter.f.clean", "filter.f.process"):
        git(submodule, "config", key, program)
    git_dir = Path(git(submodule, "rev-parse", "--absolute-git-dir"))
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "info" / "attributes").write_text("* filter=f\n")
    touch(submodule / "exp.yaml")
    assert not dirty(repository)
    assert not dirty(submodule)


@posix
def test_hooks(repository, program):
    for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        (repository / ".git" / "hooks" / name).symlink_to(program)
    touch(repository / "exp.yaml")
    assert not dirty(repository)
    git(repository, "config", "core.hooksPath", repository / ".git" / "hooks")
    assert not dirty(repository)


@posix
def test_what_a_partial_clone_lacks_is_not_fetched(repository, program):
    """HEAD's own tree is lacking, and the way to it is a program."""
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "remote.origin.url", f"ext::{program}")
    git(repository, "config", "protocol.ext.allow", "always")
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    assert state(repository) == {"git_commit": git(repository, "rev-parse", "HEAD"), "git_dirty": None}


@pytest.mark.parametrize("elsewhere", ["/", "../../other"])
def test_a_working_tree_elsewhere(repository, tmp_path, elsewhere):
    """It could be the whole disk, or a server; a repository's is where its .git is."""
    (tmp_path / "other").mkdir()
    expected = state(repository)
    git(repository, "config", "core.worktree", elsewhere)
    assert state(repository) == expected


@posix
def test_a_bare_repository_among_the_files(repository, program):
    """It would be found first, with a configuration that came as a file like any other."""
    inner = repository / "data"
    inner.mkdir()
    git(inner, "init", "-q", "--bare", ".")
    git(inner, "config", "core.fsmonitor", program)
    git(inner, "config", "core.bare", "false")
    git(inner, "config", "core.worktree", "..")
    assert state(inner)["git_commit"] in {None, git(repository, "rev-parse", "HEAD")}


# The program itself.


@posix
def test_a_git_in_the_current_directory(repository, program, monkeypatch, tmp_path):
    expected, path = state(repository), os.environ["PATH"]
    program.rename(tmp_path / "git")
    monkeypatch.chdir(tmp_path)
    for before in ("", ".", os.pathsep):
        monkeypatch.setenv("PATH", f"{before}{os.pathsep}{path}")
        assert state(repository) == expected
    monkeypatch.setenv("PATH", ".")
    assert state(repository) == UNKNOWN
    (tmp_path / "git").rename(program)


def test_no_answer_to_a_question_that_was_stopped(repository):
    asked = Git(find_git(), repository)
    assert asked.commit()
    asked.stop()
    assert asked.commit() is asked.dirty() is None
