#!/usr/bin/env python3
"""Writes the kernelspecs into the environment it runs in, and JupyterLab's settings beside them.

One kernelspec for each entry of profiles.json, on JJava; one on IJava where kernel/install-ijava was given a jar.
None is called "java": JJava and IJava both install one of that name.
"""
import argparse
import json
import pathlib
import shutil
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent
SHARE = pathlib.Path(sys.prefix) / "share" / "jupyter"

# Each option with its reason: these lines become the kernelspec's README.
JVM_OPTIONS = [
    ("-Xms512m", "the heap has its full size from the start: under limit(...) it need not grow"),
    ("-Xmx512m", "tensors live in native memory, so the heap is small and the rest is theirs"),
    ("-XX:MaxDirectMemorySize=1t", "DJL reads .params through direct buffers: weights may be larger than the heap"),
    ("-XX:+UseSerialGC", "no collector threads: fewer stacks, and a heap that does not breathe while you measure"),
    ("-XX:-UseDynamicNumberOfCompilerThreads", "no compiler thread is started later, when a limit might refuse its stack"),
    ("-XX:NativeMemoryTracking=summary", "the JVM's own native memory can be told from libtorch's"),
    ("-Dai.djl.offline=true", "DJL asks no hub"),
    ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "no log lines in red for things that went well"),
    ("-Dorg.slf4j.simpleLogger.log.ai.djl.repository=error", "nor for a model file that is no archive"),
    *(
        (f"--add-opens=java.base/{package}=ALL-UNNAMED", why)
        for package, why in (
            ("java.util", "releaseFailed() sees what an iterator in a variable leads to"),
            ("java.util.function", "the same of a function such as first.andThen(second)"),
            ("java.util.stream", "the same of a stream"),
        )
    ),
    ("--enable-native-access=ALL-UNNAMED", "DJL and JNA load native libraries: no warning for it"),
]


def jvm_options(java_version):
    options = [option for option, _ in JVM_OPTIONS]
    if java_version >= 23:
        options.append("--sun-misc-unsafe-memory-access=allow")
    return " ".join(options)


def class_path():
    jars = sorted((REPO / "target").glob("headroom-*.jar"))
    jars = [jar for jar in jars if not jar.stem.endswith(("-sources", "-javadoc"))]
    if not jars:
        sys.exit("specs.py: target/headroom-*.jar is missing: run kernel/setup")
    return f"{jars[-1]}:{REPO / 'target' / 'lib'}/*"


def readme(profile):
    lines = [f"# {profile['display_name']}", "", profile["about"], "", "## Environment", ""]
    lines += [f"- `{name}={value}`" for name, value in profile["env"].items()] or ["Nothing beyond the class path."]
    lines += ["", "These are read when the engine starts: switch by choosing another kernel, not inside a notebook.", "", "## JVM options", ""]
    lines += [f"- `{option}`: {reason}" for option, reason in JVM_OPTIONS]
    return "\n".join(lines) + "\n"


def write(folder, spec, text):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec, indent=2) + "\n")
    (folder / "README.md").write_text(text)


def spec(profile, argv, env):
    return {
        "argv": argv,
        "display_name": profile["display_name"],
        "language": "java",
        "interrupt_mode": "message",
        "env": {**env, **profile["env"], "HEADROOM_PROFILE": profile["name"], "OPT_OUT_TRACKING": "true"},
        "metadata": {"headroom": {"about": profile["about"]}},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--java-version", type=int, required=True, help="major version of the java on the PATH")
    java_version = parser.parse_args().java_version

    kernels = SHARE / "kernels"
    jjava = kernels / "java"
    profiles = json.loads((REPO / "kernel" / "profiles.json").read_text())
    for profile in profiles:
        argv = ["java", "-Xmx64m", "-jar", str(jjava / "jjava-launcher.jar"), str(jjava / "jjava.jar"), "{connection_file}"]
        env = {"JJAVA_CLASSPATH": class_path(), "JJAVA_JVM_OPTS": jvm_options(java_version)}
        write(kernels / profile["name"], spec(profile, argv, env), readme(profile))

    ijava = pathlib.Path(sys.prefix) / ".headroom" / "ijava"
    if ijava.exists():
        profile = {**profiles[0], "name": "headroom-ijava", "display_name": "Java (Headroom on IJava)", "about": "The same cells on IJava."}
        argv = ["java", *jvm_options(java_version).split(), "--add-opens=jdk.jshell/jdk.jshell=ALL-UNNAMED", "-jar", ijava.read_text(), "{connection_file}"]
        env = {"IJAVA_CLASSPATH": class_path(), "IJAVA_STARTUP_SCRIPT": "io.headroom.kernel.ijava.IJava.start();"}
        write(kernels / profile["name"], spec(profile, argv, env), readme(profile))

    # The launcher offers kernels with Headroom on their class path; JupyterLab does not ask about news or updates.
    settings = SHARE / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    notifications = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    overrides = {
        "@jupyterlab/apputils-extension:notification": notifications,
        # A panel whose kernel is gone is shown as it was last, instead of "model not found".
        "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},
    }
    (settings / "overrides.json").write_text(json.dumps(overrides, indent=2) + "\n")


if __name__ == "__main__":
    main()
