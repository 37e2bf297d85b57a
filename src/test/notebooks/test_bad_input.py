"""Bad input in a real kernel: a clear message, the kernel lives, what was loaded stays loaded."""
import pathlib

import pytest

import scratch

NOTEBOOKS = pathlib.Path(__file__).resolve().parents[3] / "notebooks"


@pytest.fixture(scope="module")
def kernel():
    with scratch.kernel(cwd=str(NOTEBOOKS)) as started:
        reply, printed, _ = started.run('var cancer = load("cancer", sampleBlock("100 MiB"), Path.of("models/cancer-0000.params"))')
        assert reply["status"] == "ok", reply
        yield started
        reply, printed, shown = started.run("cancer.isReleased()")
        assert shown[-1]["text/plain"] == "false", "what was loaded is no longer loaded"


@pytest.mark.parametrize(
    "code, says",
    [
        ('limit("1 MiB")', ["1024.00 KiB", "smallest cap"]),
        ('limit("-1 GiB")', ['"-1 GiB"', "2 GiB"]),
        ('limit("lots")', ['"lots"', "2 GiB"]),
        ('limit("2 GiBs")', ['"2 GiBs"', "2 GiB"]),
        ("limit(null)", ["null", "2 GiB"]),
        ('load("age", Path.of("models/missing.pt"))', ["models/missing.pt"]),
        ('load("age", Path.of("../README.md"))', ["README.md"]),
        ('load("", Path.of("models/age.pt"))', ["name"]),
        ('load("clock", Linear.builder().setUnits(3).build(), Path.of("models/clock-0000.params"))', ["clock"]),
        ("cancer.predict(new NDList(cancer.manager().ones(new Shape(1, 3))))", ["cancer", "(1, 3)", "64"]),
        ("run(null)", ["run(null)", "transformer()"]),
        ("budget(null)", ["budget(null)"]),
        ("estimate(null)", ["estimate(null)"]),
        ("release(null)", ["release(null)"]),
        ("diagnose()", ["nothing to diagnose", 'diagnose("']),
        ("memory(null)", ["stage"]),
        ("run(transformer().heads(7))", ["heads", "7"]),
        ("budget(transformer().batch(0))", ["batch", "0"]),
        ('diagnose(Path.of("no.log"))', ["no.log"]),
        ('device("tpu")', ["tpu", "cuda", "mps"]),
        ('device(null)', ["device(null)", "cuda"]),
        ('run(transformer().device("mps"))', ["device = mps", "no MPS device here", "device = cpu"]),
    ],
)
def test_a_clear_message_and_a_living_kernel(kernel, code, says):
    reply, _, _ = kernel.run(code)
    assert reply["status"] == "error", code
    for part in says:
        assert part in reply["evalue"], f"{code}: {reply['evalue']}"
    assert kernel.run("1 + 1")[2][-1]["text/plain"] == "2"


def test_a_truncated_model_is_named(kernel, tmp_path):
    whole = (NOTEBOOKS / "models" / "age.pt").read_bytes()
    broken = tmp_path / "broken.pt"
    broken.write_bytes(whole[: len(whole) // 2])
    reply, _, _ = kernel.run(f'load("broken", Path.of("{broken}"))')
    assert reply["status"] == "error"
    assert "broken.pt" in reply["evalue"]


def test_releasing_twice_says_when_it_was_released(kernel):
    kernel.run('var age = load("age", Path.of("models/age.pt"))')
    assert kernel.run("release(age)")[0]["status"] == "ok"
    reply, _, _ = kernel.run("release(age)")
    assert "was released at" in reply["evalue"]


def test_a_heap_that_runs_out_is_diagnosed(kernel):
    reply, _, shown = kernel.run("var hoard = new java.util.ArrayList<long[]>(); while (true) hoard.add(new long[10_000_000]);")
    assert reply["status"] == "error"
    assert any("JVM" in s["text/plain"] and "heap" in s["text/plain"] for s in shown), shown
    assert kernel.run("hoard = null; memory()")[0]["status"] == "ok"


def test_a_failure_without_memory_gets_no_card(kernel):
    reply, _, shown = kernel.run('Integer.parseInt("many")')
    assert reply["status"] == "error"
    assert shown == []


def test_a_pasted_message_is_escaped(kernel):
    _, _, shown = kernel.run(
        'diagnose("CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 8.00 GiB total capacity; 7.00 GiB already allocated; '
        '3.00 MiB free; 7.10 GiB reserved in total by PyTorch) <script>alert(1)</script>")'
    )
    assert "<script" not in shown[-1]["text/html"]


INTERRUPTED = {
    "run": ("var large = mlp().batch(2000).dModel(512).layers(4).training(adam()).accumulation(5000)", "run(large)", "run(large.accumulation(1))"),
    "compare": ("var small = mlp().batch(20_000).dModel(512).layers(8).training(adam())", "compare(small, IntStream.range(1, 200).mapToObj(i -> Remedies.batch(20_000 - i)).toArray(Remedy[]::new))", "run(small.batch(8))"),
    "train": ("var long_ = training(400, \"1 MiB\").epochs(1000)", "train(long_)", "train(long_.epochs(1))"),
}


@pytest.mark.parametrize("name", INTERRUPTED)
def test_an_interrupted_cell_ends_and_gives_its_memory_back(kernel, name):
    setup, code, after = INTERRUPTED[name]
    assert kernel.run(setup)[0]["status"] == "ok"
    assert kernel.run(after)[0]["status"] == "ok"
    before = kernel.resident()
    assert kernel.interrupt(code, seconds=5)["status"] == "error"
    reply, _, _ = kernel.run(after)  # waits for what was interrupted, if it still runs
    assert reply["status"] == "ok", reply
    assert kernel.resident() < before + 200 * 2**20


def test_an_interrupted_probe_ends_its_jvm(kernel):
    reply = kernel.interrupt("probe(transformer().batch(64).seq(256).dModel(512).heads(8).layers(6).training(adam()))", until=kernel.probes)
    assert reply["status"] == "error"
    kernel.wait(lambda: not kernel.probes())
    assert kernel.run("1 + 1")[2][-1]["text/plain"] == "2"
