"""The memory cells in a real kernel: magics, watch, monitor, release with variables that hold arrays."""
import pathlib

import pytest

import scratch

NOTEBOOKS = pathlib.Path(__file__).resolve().parents[3] / "notebooks"


@pytest.fixture(scope="module")
def kernel():
    with scratch.kernel(cwd=str(NOTEBOOKS)) as started:
        yield started


def plain(shown):
    return "\n".join(s["text/plain"] for s in shown)


def test_a_variable_that_holds_arrays_is_named_in_the_report(kernel):
    kernel.run('var age = load("age", Path.of("models/age.pt"))')
    kernel.run("var years = NDManager.newBaseManager().zeros(new Shape(1024, 1024))")
    reply, _, shown = kernel.run("release(age)")
    assert reply["status"] == "ok", reply
    assert "years" in plain(shown), plain(shown)
    kernel.run("years.close()")


def test_the_line_magic_takes_a_reading(kernel):
    _, _, shown = kernel.run("%memory here")
    assert "[here]" in plain(shown)


def test_the_cell_magic_tells_the_peak(kernel):
    _, _, shown = kernel.run("%%watch\nvar spike = NDManager.newBaseManager().ones(new Shape(64, 1024, 1024))")
    assert "peak" in plain(shown) and "kept" in plain(shown)
    kernel.run("spike.close()")


def test_a_watched_body_that_throws_still_tells_its_peak(kernel):
    reply, _, shown = kernel.run('watch(() -> { throw new IllegalStateException("mine"); })')
    assert reply["status"] == "error" and "mine" in reply["evalue"]
    assert "peak" in plain(shown)


def test_a_watched_cell_that_throws_still_tells_its_peak(kernel):
    reply, _, shown = kernel.run('%%watch\nthrow new IllegalStateException("mine");')
    assert reply["status"] == "error" and "mine" in reply["evalue"]
    assert "peak" in plain(shown)


@pytest.mark.parametrize("code", ["monitor(0)", "monitor(-1)", "monitor(Duration.ZERO)", "monitor(Duration.ofSeconds(-1))"])
def test_an_interval_that_is_not_positive_is_refused(kernel, code):
    reply, _, _ = kernel.run(code)
    assert reply["status"] == "error"
    assert "cannot read every" in reply["evalue"], reply["evalue"]


def test_a_stage_is_text_not_html(kernel):
    _, _, shown = kernel.run('memory("<b>bold</b>")')
    assert "<b>bold</b>" not in shown[-1]["text/html"]
    _, printed, _ = kernel.run('memory("x".repeat(10_000))')
    assert len(printed) < 1000


def test_a_live_monitor_is_a_widget_with_a_line_to_stand_in(kernel):
    reply, _, shown = kernel.run("var watching = monitor(Duration.ofMillis(200)); live(watching)")
    assert reply["status"] == "ok", reply
    assert "application/vnd.jupyter.widget-view+json" in shown[-1]
    assert kernel.run("watching.close()")[0]["status"] == "ok"


def test_everything_is_released_at_once(kernel):
    kernel.run('load("cancer", sampleBlock("100 MiB"), Path.of("models/cancer-0000.params"))')
    reply, _, _ = kernel.run("releaseAll()")
    assert reply["status"] == "ok", reply
    assert kernel.run("io.headroom.model.Models.loaded().size()")[2][-1]["text/plain"] == "0"


def test_the_timeline_is_a_table_too(kernel):
    _, _, shown = kernel.run("timeline().toTable()")
    assert "here" in plain(shown) and "headroom" in plain(shown)
