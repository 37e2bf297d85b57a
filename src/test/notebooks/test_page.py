"""JupyterLab's page as a person uses it: notebook 00 in a real browser. HEADROOM_SCREENSHOTS=FOLDER keeps its pictures."""
import os
import pathlib
import re
import statistics
import time

import pytest

from page import Notebook

PICTURES = os.environ.get("HEADROOM_SCREENSHOTS")
CELLS = ["memory()", 'var age = load("age"', "var cancer = load(", 'memory("two models")', "release(age)", 'memory("one released")', "var step ="]


@pytest.fixture(scope="module")
def notebook(lab, browser):
    opened = Notebook(browser, lab, width=1500, height=2200 if PICTURES else 1000)
    yield opened
    opened.close()


def keep(notebook, locator, name):
    if PICTURES:
        pathlib.Path(PICTURES).mkdir(parents=True, exist_ok=True)
        notebook.picture(locator, pathlib.Path(PICTURES) / f"{name}.png")


def panel_text(output):
    return re.sub(r"\s+", " ", output.inner_text())


def needs(output, patience=20):
    """The estimate that the panel shows: the first size after "needs". While the page redraws there is none for a moment."""
    until = time.monotonic() + patience
    while True:
        found = re.search(r"needs ([\d.]+ [KMG]iB)", panel_text(output))
        if found:
            return found.group(1)
        assert time.monotonic() < until, f"the panel shows no estimate: {panel_text(output)[:500]}"
        time.sleep(0.02)


def test_the_first_screen_is_the_notebook_alone(notebook):
    assert "00-start-here.ipynb" in notebook.page.title() or notebook.page.locator("text=00-start-here.ipynb").count()
    assert notebook.page.locator(".jp-Notification, .Toastify__toast").count() == 0
    assert notebook.page.locator("text=/Would you like to (get|receive)/").count() == 0


def test_the_story_runs_until_the_engine_refuses(notebook):
    for source in CELLS:
        notebook.run(source)
    notebook.run("limit(")
    output = notebook.run("run(step)")
    card = output.locator(".jp-RenderedHTMLCommon", has_text="Out of memory").first
    assert card.is_visible()
    assert "What to do" in card.inner_text()
    assert output.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']").count() + output.locator(
        "text=EngineException"
    ).count(), "the cell's own error is still there"
    keep(notebook, card, "card")


def test_a_button_under_the_card_opens_the_budget_at_that_remedy(notebook):
    output = notebook.cell("run(step)").locator(".jp-Cell-outputArea")
    button = output.locator("button", has_text="gradient accumulation").first
    button.click()
    output.locator("text=/needs [\\d.]+ \\w+/").first.wait_for(timeout=20_000)
    remedied = needs(output)
    assert "accumulation" in panel_text(output) and output.locator("[role=slider]").count() > 3
    output.locator("button", has_text="gradient checkpointing").first.click()
    until = time.monotonic() + 20
    while needs(output) == remedied:
        assert time.monotonic() < until, f"still {remedied}"
        notebook.page.wait_for_timeout(100)


def test_diagnose_shows_the_card_again(notebook):
    output = notebook.run("diagnose()")
    assert output.locator(".jp-RenderedHTMLCommon", has_text="Out of memory").first.is_visible()
    assert output.locator("button", has_text="gradient checkpointing").first.is_visible()


# Milliseconds from the next key to the first frame with another estimate, by the page's own clock.
WHEN_SHOWN = """output => { window.shownAfter = new Promise((resolve, reject) => {
    const estimate = () => (output.textContent.match(/needs\\s+([\\d.]+ [KMG]iB)/) || [])[1];
    const before = estimate();
    document.addEventListener("keydown", () => {
        const start = performance.now();
        const look = () => {
            const after = performance.now() - start;
            if (estimate() && estimate() !== before) resolve(after);
            else if (after > 15000) reject(new Error("the estimate did not follow the slider"));
            else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    }, {once: true, capture: true});
}); }"""


def test_the_estimate_follows_the_slider(notebook):
    output = notebook.run("budget(step)")
    output.locator(".widget-slider").first.wait_for(timeout=20_000)
    output.get_by_text("needs").first.wait_for(timeout=20_000)
    handle = output.locator(".widget-slider", has_text="batch").locator(".noUi-handle").first
    handle.focus()
    times = []
    for move in range(10):
        output.evaluate(WHEN_SHOWN)
        notebook.page.keyboard.press("ArrowLeft" if move < 5 else "ArrowRight")
        times.append(notebook.page.evaluate("window.shownAfter"))
        notebook.page.wait_for_timeout(300)
    print(f"slider to screen: median {statistics.median(times):.0f} ms of {len(times)} moves")
    keep(notebook, output, "budget")


def test_dragging_the_slider_moves_the_estimate_too(notebook):
    output = notebook.cell("budget(step)").locator(".jp-Cell-outputArea")
    shown = needs(output)
    slider = output.locator(".widget-slider", has_text="batch").first
    slider.scroll_into_view_if_needed()
    handle, track = slider.locator(".noUi-handle").bounding_box(), slider.locator(".noUi-base").bounding_box()
    mouse = notebook.page.mouse
    mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    mouse.down()
    mouse.move(track["x"] + track["width"] * 0.8, handle["y"] + handle["height"] / 2, steps=10)
    mouse.up()
    until = time.monotonic() + 20
    while needs(output) == shown:
        assert time.monotonic() < until, "the estimate did not follow the mouse"
        notebook.page.wait_for_timeout(50)


def test_the_suggested_batch_passes(notebook):
    notebook.run("var smaller")
    output = notebook.run("run(smaller)")
    assert "above the idle process" in output.inner_text()
    assert "EngineException" not in output.inner_text()


def test_the_timeline_is_drawn_offline(notebook):
    output = notebook.run("timeline()")
    output.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
    keep(notebook, output, "timeline")


def test_the_panel_is_there_again_after_a_reload(notebook):
    notebook.page.keyboard.press("Control+s")
    notebook.page.wait_for_timeout(1000)
    notebook.page.reload()
    notebook.page.wait_for_selector(".jp-Notebook", timeout=60_000)
    notebook.wait_for_kernel()
    output = notebook.cell("budget(step)").locator(".jp-Cell-outputArea")
    output.scroll_into_view_if_needed()
    slider = output.locator(".widget-slider", has_text="batch").locator(".noUi-handle").first
    slider.wait_for(timeout=30_000)
    output.get_by_text("needs").first.wait_for(timeout=30_000)
    shown = needs(output)
    slider.focus()
    notebook.page.keyboard.press("ArrowLeft")
    until = time.monotonic() + 20
    while needs(output) == shown:
        assert time.monotonic() < until, "the panel is dead after a reload"
        notebook.page.wait_for_timeout(50)
