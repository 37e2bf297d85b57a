"""The commands in kernel/: what they say to a person who lacks something or mistypes."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

REPO = pathlib.Path(__file__).resolve().parents[3]


def run(*command, env=None, timeout=300):
    return subprocess.run([str(c) for c in command], cwd=REPO, env=env, capture_output=True, text=True, timeout=timeout)


def path_with(folder, *tools, **fakes):
    """A PATH that has only the named tools and the fakes (a script's text by name)."""
    folder.mkdir(exist_ok=True)
    basics = ["bash", "env", "sh", "cat", "sed", "grep", "head", "dirname", "cut", "sha256sum", "find", "sort", "xargs", "ls", "mkdir", "mv", "rm", "apt-get"]
    for tool in [*basics, *tools]:
        if shutil.which(tool) and not (folder / tool).exists():
            (folder / tool).symlink_to(shutil.which(tool))
    for name, text in fakes.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {**os.environ, "PATH": str(folder)}


@pytest.mark.parametrize("arguments", [["--nope"], ["--port"], ["--port", "many"], ["--port=0"], ["--port", "70000"]])
def test_lab_refuses_a_wrong_option(arguments):
    done = run("kernel/lab", *arguments)
    assert done.returncode == 2
    assert "Usage: kernel/lab" in done.stderr


def test_lab_explains_itself():
    done = run("kernel/lab", "--help")
    assert done.returncode == 0
    for option in ("--no-browser", "--port", "--help"):
        assert option in done.stdout


def test_no_java_is_named_with_the_command_that_installs_it(tmp_path):
    done = run("kernel/setup", env=path_with(tmp_path / "bin", "python3", "mvn"))
    assert done.returncode == 1
    assert "no Java found" in done.stderr and "17 or newer" in done.stderr
    assert "openjdk" in done.stderr


def test_an_old_java_is_named_with_its_version(tmp_path):
    old = '#!/bin/sh\necho \'openjdk version "11.0.2" 2019-01-15\' >&2\n'
    done = run("kernel/setup", env=path_with(tmp_path / "bin", "python3", "mvn", java=old))
    assert done.returncode == 1
    assert "version 11, too old" in done.stderr


def test_a_runtime_without_jshell_is_refused(tmp_path):
    jre = '#!/bin/sh\ncase "$1" in --list-modules) echo java.base@17;; *) echo \'openjdk version "17.0.1" 2021-10-19\' >&2;; esac\n'
    done = run("kernel/setup", env=path_with(tmp_path / "bin", "python3", "mvn", java=jre))
    assert done.returncode == 1
    assert "JShell" in done.stderr


def test_no_maven_is_named(tmp_path):
    done = run("kernel/setup", env=path_with(tmp_path / "bin", "python3", "java"))
    assert done.returncode == 1
    assert "no Maven found" in done.stderr and "maven" in done.stderr


def test_no_python_is_named(tmp_path):
    done = run("kernel/setup", env=path_with(tmp_path / "bin", "java", "mvn"))
    assert done.returncode == 1
    assert "no Python 3.10 or newer" in done.stderr


def test_no_venv_module_is_named(tmp_path):
    without = '#!/bin/sh\ncase "$2" in *venv*) exit 1;; *version_info\\[1\\]*) echo python3.11-venv;; esac\nexit 0\n'
    done = run("kernel/setup", env=path_with(tmp_path / "bin", "java", "mvn", python3=without))
    assert done.returncode == 1
    assert "no venv module" in done.stderr


def test_setup_does_no_work_twice():
    before = {p: p.stat().st_mtime_ns for p in (REPO / "target").glob("headroom-*.jar")}
    done = run("kernel/setup", "--tests")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert before == {p: p.stat().st_mtime_ns for p in (REPO / "target").glob("headroom-*.jar")}


def test_headroom_tells_its_version():
    done = run("kernel/headroom", "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("headroom ")


@pytest.mark.parametrize("arguments", [[], ["--nope"], ["doctor", "--nope"], ["nothing"]])
def test_headroom_prints_usage_on_a_bad_option(arguments):
    done = run("kernel/headroom", *arguments)
    assert done.returncode == 2
    assert "headroom" in done.stderr
    assert "at io.headroom" not in done.stderr and "picocli" not in done.stderr


def test_doctor_reports_what_a_bug_report_needs():
    done = run("kernel/headroom", "doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0, report["problems"]
    assert report["java"]["jshell"] is True
    assert report["engine"]["computes"] is True
    assert "libtorch" in report["engine"]["native_library"]
    started = {k["name"]: k.get("starts") for k in report["kernels"] if k["name"].startswith("headroom")}
    assert started["headroom"] is True and all(started.values()), started


@pytest.mark.parametrize("arguments", [[], ["one.jar", "two.jar"]])
def test_install_ijava_wants_one_jar(arguments):
    done = run("kernel/install-ijava", *arguments)
    assert done.returncode == 2
    assert "Usage: kernel/install-ijava JAR" in done.stderr


def test_install_ijava_refuses_what_is_not_ijava(tmp_path):
    text = tmp_path / "ijava.jar"
    text.write_text("not a jar")
    for path in (tmp_path / "missing.jar", text):
        done = run("kernel/install-ijava", path)
        assert done.returncode == 2
        assert str(path) in done.stderr


def test_bench_explains_itself_and_lists_every_benchmark():
    done = run("kernel/bench", "--help")
    assert done.returncode == 0
    assert "Usage: kernel/bench" in done.stdout
    assert run("kernel/bench", "--list").stdout == done.stdout
    listed = set(re.findall(r"[|](\w+[.]\w+)[|]", (REPO / "kernel/bench").read_text()))
    tests = REPO / "src/test/java/io/headroom"
    sources = [*(tests / "bench").glob("*.java"), *tests.rglob("*Report.java")]
    mains = {".".join(p.relative_to(tests).with_suffix("").parts) for p in sources if "void main(" in p.read_text()}
    assert listed == mains


@pytest.mark.parametrize("name", ["nope", "--nope", "re.d.ng"])
def test_bench_refuses_a_wrong_name_and_lists_the_right_ones(name):
    done = run("kernel/bench", name)
    assert done.returncode == 2
    assert f'there is no benchmark "{name}"' in done.stderr
    assert "release-block" in done.stderr
    assert done.stdout == ""


def test_bench_says_which_file_it_needs():
    done = run("kernel/bench", "fidelity")
    assert done.returncode == 2
    assert "fidelity needs a file" in done.stderr and "FILE" in done.stderr
