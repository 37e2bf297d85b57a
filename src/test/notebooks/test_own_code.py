"""A block with code of its own: the budget measures it by itself, shows how far it is, and leaves the model as it was."""
import json
import pathlib
import re
import time

import pytest

import scratch
from page import Notebook

REPO = pathlib.Path(__file__).resolve().parents[3]
SCRATCH = "target/progress.ipynb"
BLOCK = """
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
class Gated extends AbstractBlock {
    final Block wide = addChildBlock("wide", Linear.builder().setUnits(256).build());
    final Block narrow = addChildBlock("narrow", Linear.builder().setUnits(32).build());
    protected NDList forwardInternal(ParameterStore store, NDList in, boolean training, PairList<String, Object> params) {
        NDArray hidden = wide.forward(store, in, training).head();
        return narrow.forward(store, new NDList(hidden.mul(Activation.sigmoid(hidden))), training);
    }
    public void initializeChildBlocks(NDManager manager, DataType type, Shape... in) {
        wide.initialize(manager, type, in);
        narrow.initialize(manager, type, wide.getOutputShapes(in));
    }
    public Shape[] getOutputShapes(Shape[] in) { return narrow.getOutputShapes(wide.getOutputShapes(in)); }
}
class Broken extends Gated {
    protected NDList forwardInternal(ParameterStore store, NDList in, boolean training, PairList<String, Object> params) {
        throw new IllegalStateException("no mask was given");
    }
}
String state(Block of) {
    var text = new StringBuilder();
    for (var p : of.getParameters().values()) {
        text.append(p.getName()).append(p.requiresGradient()).append(p.getArray().hasGradient());
        text.append(System.identityHashCode(p.getArray())).append(java.util.Arrays.hashCode(p.getArray().toByteArray()));
    }
    return text.toString();
}
var block = new SequentialBlock().add(Linear.builder().setUnits(64).build()).add(new Gated());
block.getChildren().get(0).getValue().freezeParameters(true);
block.initialize(NDManager.newBaseManager(), DataType.FLOAT32, new Shape(3, 64));
var before = state(block);
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with scratch.kernel(cwd=str(tmp_path_factory.mktemp("own"))) as started:
        reply, _, _ = started.run(BLOCK)
        assert reply["status"] == "ok", reply
        yield started


def test_the_budget_measures_it_and_says_why(kernel):
    reply, _, shown = kernel.run("budget(block, new Shape(8, 64), adam())")
    assert reply["status"] == "ok", reply
    text, html = shown[-1]["text/plain"], shown[-1]["text/html"]
    assert text.startswith("Gated at 02Gated has code of its own, so the step was measured, not read.\n")
    assert re.search(r"this step: [\d.]+ \w+, at most [\d.]+ \w+.*; fits the [\d.]+ GiB there are; largest batch: \d+", text)
    assert "has code of its own, so the step was measured" in html and "expected" in html and "<table>" in html
    assert kernel.run("state(block).equals(before)")[2][-1]["text/plain"] == "true", "the model was changed"


def test_what_cannot_be_measured_either_names_both_reasons(kernel):
    reply, _, shown = kernel.run("budget(new Broken(), new Shape(8, 64), adam())")
    assert reply["status"] == "error"
    for part in ("Broken has code of its own", "could not be measured either: no mask was given.", "Give the shape of an input"):
        assert part in reply["evalue"], reply["evalue"]
    assert kernel.run("1 + 1")[2][-1]["text/plain"] == "2"


BARS = {
    "probe(": "probe(transformer().batch(8).seq(64).dModel(64).heads(4).layers(2).training(adam()))",
    "fits(": 'fits(preset("gpt2-large").seq(1024).batch(64), "RTX 3060")',
}


@pytest.fixture(scope="module")
def notebook(browser, lab):
    kernel = {"name": "headroom", "language": "java", "display_name": "Java (Headroom)"}
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
        for i, code in enumerate(("memory()", *BARS.values()))
    ]
    (REPO / SCRATCH).write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}))
    opened = Notebook(browser, lab.replace("notebooks/00-start-here.ipynb", SCRATCH))
    opened.run("memory()")
    yield opened
    opened.close()


# What the output area says at each change while the cell runs, with the page's own clock from the key on.
WATCH = """cell => { window.seen = []; const start = performance.now();
  const look = () => {
    const bar = cell.querySelector('.jp-OutputArea progress');
    const line = bar && bar.parentElement.textContent.trim();
    const last = window.seen[window.seen.length - 1];
    if (bar && (!last || last.line !== line)) window.seen.push({line, at: performance.now() - start, width: bar.getBoundingClientRect().width});
    window.looking = setTimeout(look, 20);
  };
  look(); }"""


@pytest.mark.parametrize("name", BARS)
def test_a_bar_appears_moves_and_ends(notebook, name):
    cell = notebook.cell(name)
    cell.evaluate(WATCH)
    start = time.monotonic()
    output = notebook.run(name, timeout=90)
    took = time.monotonic() - start
    seen = notebook.page.evaluate("clearTimeout(window.looking); window.seen")
    print(f"{name} {took:.1f} s", *(f"{s['at'] / 1000:.1f} s: {s['line']}" for s in seen), sep="\n  ")
    assert not output.locator("progress").count(), "the bar is still there"
    assert output.locator("text=/: \\d+\\.\\d s/").count() == (1 if seen else 0), output.inner_text()[:300]
    if name == "probe(":
        seconds = [int(re.search(r"… (\d+) s$", s["line"])[1]) for s in seen]
        assert seconds[0] <= 3 and seen[0]["width"] > 20, "the bar came late"
        assert len(seen) >= 2 and seconds == sorted(seconds), "the bar stood still"
        assert any("sequence" in s["line"] for s in seen), "it does not tell what it is at"
