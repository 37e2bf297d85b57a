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


def test_a_live_monitor_is_shown_wherever_in_its_cell_it_is_called(kernel):
    _, _, shown = kernel.run("var early = monitor(Duration.ofMillis(200)); live(early); int after = 3; after")
    assert ["application/vnd.jupyter.widget-view+json" in each for each in shown] == [True, False]
    _, _, shown = kernel.run("live(early);")
    assert len(shown) == 1
    assert kernel.run("early.close()")[0]["status"] == "ok"


def test_a_live_monitor_shown_again_is_the_same_view(kernel):
    kernel.run("var again = monitor(Duration.ofMillis(200))")
    views = {kernel.run("live(again)")[2][-1]["application/vnd.jupyter.widget-view+json"]["model_id"] for _ in range(5)}
    assert len(views) == 1
    assert kernel.run("again.close()")[0]["status"] == "ok"


def test_a_live_cell_run_again_leaves_one_thread(kernel):
    for _ in range(3):
        assert kernel.run("var rerun = monitor(Duration.ofMillis(100)); live(rerun);")[0]["status"] == "ok"
    kernel.run("rerun.close(); Thread.sleep(500);")
    _, _, shown = kernel.run('Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().equals("headroom-monitor")).count()')
    assert plain(shown) == "0", plain(shown)


@pytest.mark.parametrize("code, says", [("monitor(100)", "step(n)"), ("monitor(Duration.ofSeconds(1))", "live(monitor)")])
def test_a_monitor_says_what_it_does_and_what_to_call(kernel, code, says):
    _, _, shown = kernel.run(code)
    assert says in shown[-1]["text/plain"] and says in shown[-1]["text/html"]


@pytest.mark.parametrize("body", [
    "memory().rss()", "{ System.gc(); }", "Thread.sleep(5)", "{ return 1; }", "{ Thread.sleep(1); }", "estimate(mlp())"])
@pytest.mark.parametrize("cell", ["watch(() -> %s)", "watchOperators(() -> %s)", 'monitor(1).run("train", () -> %s)'])
def test_a_body_with_a_value_or_without_is_run(kernel, cell, body):
    reply, _, _ = kernel.run(cell % body)
    assert reply["status"] == "ok", reply


def test_the_cells_monitor_prints_its_lines_and_its_alarm(kernel):
    _, printed, _ = kernel.run("var told = monitor(2).alarmBelow(Long.MAX_VALUE); for (int i = 1; i <= 4; i++) told.step(i);")
    assert printed.count("Step ") == 2 and printed.count("Memory is nearly used up") == 1
    _, printed, _ = kernel.run("told.step(6)")
    assert printed.startswith("Step 6: CPU: "), "a later cell has its own output"


def test_a_live_monitor_reads_though_its_cell_goes_on(kernel):
    _, printed, _ = kernel.run("""
        var pulse = monitor(Duration.ofMillis(20)); live(pulse); Thread.sleep(500);
        System.out.println(pulse.timeline().added() > 3);
    """)
    assert printed.strip() == "true"
    kernel.run("pulse.close()")


def test_batches_left_open_are_a_table_of_what_grows(kernel):
    kernel.run("""
        var trainer = NDManager.newBaseManager(); trainer.setName("trainer");
        var watchman = monitor(1).printTo(line -> {});
        for (int step = 1; step <= 40; step++) { trainer.newSubManager().ones(new Shape(2, 8192)); watchman.step(step); }
    """)
    _, _, shown = kernel.run("watchman.leaks()")
    assert 'unnamed managers below "trainer" grow by 64.00 KiB per step' in shown[-1]["text/plain"]
    assert "<table>" in shown[-1]["text/html"] and "+39 managers, +39 × (2, 8192) float32" in shown[-1]["text/html"]
    kernel.run("trainer.close()")


def test_an_alarm_seen_in_the_background_is_printed_by_the_next_step(kernel):
    _, printed, _ = kernel.run("""
        var guard = monitor(1000).alarmBelow(Long.MAX_VALUE).printTo(System.out::println);
        guard.start();
        while (guard.alarm().isEmpty()) { Thread.sleep(10); }
    """)
    assert printed == ""
    _, printed, _ = kernel.run("guard.step(1); guard.step(2)")
    assert printed.count("Memory is nearly used up") == 1
    assert "Memory is nearly used up" in kernel.run("guard")[2][-1]["text/html"]
    kernel.run("guard.close()")


def test_the_breakdown_adds_up(kernel):
    _, _, shown = kernel.run("breakdown()")
    assert "Resident set by kind" in shown[-1]["text/html"] and "libjvm.so" in shown[-1]["text/plain"]


def test_everything_is_released_at_once(kernel):
    kernel.run('load("cancer", sampleBlock("100 MiB"), Path.of("models/cancer-0000.params"))')
    reply, _, _ = kernel.run("releaseAll()")
    assert reply["status"] == "ok", reply
    assert kernel.run("io.headroom.model.Models.loaded().size()")[2][-1]["text/plain"] == "0"


def test_the_timeline_is_a_table_too(kernel):
    _, _, shown = kernel.run("timeline().toTable()")
    assert "here" in plain(shown) and "headroom" in plain(shown)
