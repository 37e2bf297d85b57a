"""A kernel and a cell on the newest JDK of this machine (it may be the one on the PATH)."""
import os
import pathlib
import re
import shutil
import subprocess

import scratch


def version(java):
    said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found.group(1)) if found else 0


def newest():
    places = [pathlib.Path(shutil.which("java")).resolve()]
    for folder in ("/usr/lib/jvm", "/opt/java", "/Library/Java/JavaVirtualMachines"):
        places += pathlib.Path(folder).glob("*/bin/java")
        places += pathlib.Path(folder).glob("*/Contents/Home/bin/java")
    return max(places, key=lambda java: version(str(java)))


def test_a_cell_runs_on_the_newest_jdk():
    java = newest()
    env = {**os.environ, "PATH": f"{java.parent}{os.pathsep}{os.environ['PATH']}"}
    with scratch.kernel(env=env) as kernel:
        assert kernel.run("Runtime.version().feature()")[2][-1]["text/plain"] == str(version(str(java)))
        reply, _, shown = kernel.run("memory()")
        assert reply["status"] == "ok", reply
        assert "head-room" in shown[-1]["text/plain"]
        reply, _, shown = kernel.run("run(transformer().batch(2).seq(8).dModel(16).heads(2).ff(32).layers(1))")
        assert reply["status"] == "ok", reply
