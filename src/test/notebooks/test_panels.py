"""Budget panels in a real browser: each kind of model, several at once, dark theme, a second browser, a restarted kernel.

With HEADROOM_KERNEL=headroom-ijava the same on IJava, where kernel/install-ijava has made that kernel.
"""
import json
import os
import pathlib
import re
import statistics
import time

import nbconvert
import nbformat
import pytest

from page import Notebook

REPO = pathlib.Path(__file__).resolve().parents[3]
SCRATCH = "target/panels.ipynb"
CASE = "transformer().batch(64).nodes(25).seq(80).dModel(128).layers(2).features(7).training(adam())"
CELLS = {
    "mlp": 'budget(mlp().batch(256).training(adam()), "2 GiB")',
    "cnn": 'budget(cnn().batch(8).training(adam()), "2 GiB")',
    "lstm": 'budget(lstm().batch(64).training(adam()), "2 GiB")',
    "gat": 'budget(gat().nodes(300).training(adam()), "2 GiB")',
    "transformer": f'budget({CASE}, "2 GiB")',
}
# Twelve heads: widths that the slider's round steps would not reach.
NARROW = 'budget(transformer().heads(12).dModel(144).training(adam()), "2 GiB")'


# The cells there are and which one is active, and what a screen reader calls the element that has the focus.
ACTIVE = """() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')].map(cell => cell.classList.contains('jp-mod-active'))"""
FOCUSED = """() => { const e = document.activeElement;
  return e.getAttribute('aria-label') || (e.labels && e.labels[0] && e.labels[0].textContent) || e.textContent; }"""


@pytest.fixture(scope="module")
def address(lab):
    kernel = {"name": os.environ.get("HEADROOM_KERNEL", "headroom"), "language": "java"}
    kernel["display_name"] = {"headroom": "Java (Headroom)", "headroom-ijava": "Java (Headroom on IJava)"}[kernel["name"]]
    cells = [
        {"cell_type": "code", "id": name, "metadata": {}, "source": code, "outputs": [], "execution_count": None}
        for name, code in {**CELLS, "narrow": NARROW}.items()
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    (REPO / SCRATCH).write_text(json.dumps(notebook))
    return lab.replace("notebooks/00-start-here.ipynb", SCRATCH)


@pytest.fixture(scope="module")
def notebook(browser, address):
    opened = Notebook(browser, address)
    for name in CELLS:
        opened.run(f"budget({name}()")
    yield opened
    opened.close()


def panel(notebook, name):
    output = notebook.cell(f"budget({name}()").locator(".jp-Cell-outputArea")
    output.scroll_into_view_if_needed()
    output.locator(".widget-slider").first.wait_for(timeout=20_000)
    output.get_by_text("needs").first.wait_for(timeout=20_000)
    return output


def text(output):
    """What is seen: without the line that only screen readers get, half a second later."""
    seen = output.evaluate("""e => {
      const said = e.querySelector('[data-headroom] > [role=status]');
      if (said) said.style.display = 'none';
      const seen = e.innerText;
      if (said) said.style.display = '';
      return seen; }""")
    return re.sub(r"\s+", " ", seen)


def wait(condition, what, patience=20):
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.01)


def handle(output, label):
    row = output.locator(".widget-slider").filter(has=output.page.locator(".widget-label", has_text=re.compile(f"^{label}$")))
    return row.locator(".noUi-handle").first


def number(output, label):
    return float(handle(output, label).get_attribute("aria-valuenow"))


@pytest.mark.parametrize("name", CELLS)
def test_keys_move_every_slider_within_its_bounds(notebook, name):
    output = panel(notebook, name)
    sliders = output.get_by_role("slider").all()
    assert len(sliders) >= 6
    wait(lambda: all(s.get_attribute("aria-label") for s in sliders), f"{name}: a slider without a name")
    for slider in sliders:
        least, now, most = (float(slider.get_attribute(f"aria-value{part}")) for part in ("min", "now", "max"))
        assert 0 <= least <= now <= most, slider.get_attribute("aria-label")
    before = text(output)
    handle(output, "batch").focus()
    notebook.page.keyboard.press("ArrowRight")
    wait(lambda: text(output) != before and "needs" in text(output), f"{name} did not follow")
    assert "Not possible" not in text(output)


@pytest.mark.parametrize("name", CELLS)
def test_no_label_is_cut(notebook, name):
    cut = panel(notebook, name).locator(".widget-label, .widget-readout, button, summary").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
    )
    assert cut == []


def test_the_buttons_find_what_fits_in_time(notebook):
    output = panel(notebook, "transformer")
    times = []
    for button, label in (
        ("Largest batch that fits", "batch"),
        ("Longest sequence", "seq"),
        ("Most nodes", "nodes"),
        ("Widest model", "d_model"),
    ):
        before = number(output, label)
        start = time.monotonic()
        output.get_by_role("button", name=button).click()
        if label == "batch":
            wait(lambda: number(output, label) != before, f"{button} moved nothing")
            times.append(time.monotonic() - start)
        wait(lambda: "✓ fits" in text(output), f"{button} does not fit")
    output.get_by_role("button", name="Copy as code").click()
    wait(lambda: "var step = transformer()" in text(output), "no code")
    code = re.search(r"var step = \S+", text(output)).group(0)
    assert f".batch({number(output, 'batch'):.0f})" in code and f".seq({number(output, 'seq'):.0f})" in code
    print(f"largest batch to screen: {statistics.median(times) * 1000:.0f} ms")


def test_the_cheapest_remedies_are_named(notebook):
    output = panel(notebook, "transformer")
    for _ in range(40):
        handle(output, "batch").focus()
        notebook.page.keyboard.press("PageUp")
        if "does not fit" in text(output):
            break
    wait(lambda: "does not fit" in text(output), "still fits")
    start = time.monotonic()
    output.get_by_role("button", name="Cheapest remedies").click()
    wait(lambda: "✓ fits" in text(output), "no remedies found")
    print(f"cheapest remedies to screen: {(time.monotonic() - start) * 1000:.0f} ms")
    assert "micro-batches" in output.locator("summary").inner_text()


def test_panels_do_not_move_each_other(notebook):
    others = {name: text(panel(notebook, name)) for name in ("cnn", "lstm", "transformer")}
    mlp = panel(notebook, "mlp")
    before = text(mlp)
    handle(mlp, "layers").focus()
    notebook.page.keyboard.press("ArrowRight")
    wait(lambda: text(mlp) != before, "mlp did not follow")
    notebook.page.wait_for_timeout(300)
    assert {name: text(panel(notebook, name)) for name in others} == others


def test_a_step_that_djl_cannot_run_is_estimated_and_said(notebook):
    output = panel(notebook, "lstm")
    precision = output.get_by_label("precision")
    precision.select_option("fp16")
    wait(lambda: "DJL cannot run this step here. precision = fp16" in text(output), "fp16 was taken without a word")
    assert "needs" in text(output)
    precision.select_option("fp32")
    wait(lambda: "DJL cannot run" not in text(output), "the note stays")


def test_without_widgets_a_complete_table_stands_in(notebook, browser, tmp_path):
    notebook.page.keyboard.press("Control+s")
    notebook.page.wait_for_timeout(1500)
    saved = nbformat.read(REPO / SCRATCH, as_version=4)
    saved.metadata.pop("widgets", None)
    for cell in saved.cells:
        for output in cell.outputs:
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    page = browser.new_context(java_script_enabled=False).new_page()
    try:
        shown = tmp_path / "static.html"
        shown.write_text(nbconvert.HTMLExporter().from_notebook_node(saved)[0])
        page.goto(shown.as_uri())
        tables = page.locator(".jp-OutputArea-output:has(.headroom-verdict)")
        assert tables.count() == len(CELLS)
        for table, name in zip(tables.all(), CELLS):
            for said in ("needs", "at most", "weights", "gradients", "optimizer state", "activations", "upper bound", "Peak in the"):
                assert table.get_by_text(said).first.is_visible(), (name, said)
            assert table.get_by_role("slider").count() == 0
            assert table.get_by_role("img").get_attribute("aria-label").startswith("bar of the peak: weights")
        assert tables.last.get_by_text("64 × 25 × 8 × 80 × 80 × 4 B").is_visible()
    finally:
        page.context.close()


@pytest.mark.parametrize("button", ["Widest model", "Cheapest remedies"])
def test_the_slider_leaves_the_width_that_was_found(notebook, button):
    output = notebook.run("budget(transformer().heads(12)")
    output.get_by_text("needs").first.wait_for(timeout=20_000)
    if button == "Cheapest remedies":
        for _ in range(40):
            handle(output, "batch").focus()
            notebook.page.keyboard.press("PageUp")
            if "does not fit" in text(output):
                break
    else:
        before = number(output, "d_model")
    output.get_by_role("button", name=button).click()
    if button == "Widest model":
        wait(lambda: number(output, "d_model") != before, "the width did not move")
    wait(lambda: "✓ fits" in text(output), f"{button} does not fit")
    notebook.page.wait_for_timeout(700)
    assert "✓ fits" in text(output) and "Not possible" not in text(output)
    output.get_by_role("button", name="Copy as code").click()
    wait(lambda: "var step = transformer()" in text(output), "no code")
    code = re.search(r"var step = \S+", text(output)).group(0)
    width = f"{number(output, 'd_model'):.0f}"
    assert int(width) % 12 == 0 and f".dModel({width})" in code, code


def test_the_keyboard_alone_reaches_and_moves_everything(notebook):
    output, keys = panel(notebook, "transformer"), notebook.page.keyboard
    handle(output, "batch").focus()
    before = output.page.evaluate(ACTIVE)
    reached = []
    while "Copy as code" not in reached:
        assert len(reached) < 60, reached
        reached.append(output.page.evaluate(FOCUSED))
        keys.press("Tab")
    assert all(reached), reached
    for expected in ("batch: ", "batch, exact value", "d_model: ", "precision", "optimizer", "checkpointing", "Cheapest remedies"):
        assert any(name.startswith(expected) for name in reached), (expected, reached)

    precision = output.get_by_label("precision")
    chosen = precision.input_value()
    precision.focus()
    keys.press("ArrowDown")
    wait(lambda: precision.input_value() != chosen, "the arrow chose nothing")
    keys.press("ArrowUp")
    ticked = output.get_by_label("checkpointing").is_checked()
    output.get_by_label("checkpointing").focus()
    keys.press("Space")
    wait(lambda: output.get_by_label("checkpointing").is_checked() != ticked, "the space bar ticked nothing")
    keys.press("Space")
    exact = output.get_by_role("textbox", name="batch, exact value")
    for number_typed, end in (("37", "Enter"), ("5", "Tab")):
        exact.focus()
        keys.press("Control+a")
        keys.type(number_typed)
        keys.press(end)
        wait(lambda: number(output, "batch") == float(number_typed), f"{number_typed} and {end} were not taken")
    shown = text(output)
    output.get_by_role("button", name="Largest batch that fits").focus()
    keys.press("Enter")
    wait(lambda: text(output) != shown and "✓ fits" in text(output), "Enter pressed nothing")
    for element in (handle(output, "batch"), precision, output.get_by_role("button", name="Most nodes")):
        element.focus()
        for shortcut in ("d", "d", "x", "j"):
            keys.press(shortcut)
    assert output.page.evaluate(ACTIVE) == before, "the notebook's shortcuts answered keys meant for the panel"
    keys.press("Escape")
    assert output.page.evaluate("() => document.activeElement.classList.contains('jp-Cell')"), "Escape stays in the panel"


def test_focus_is_seen(notebook):
    output = panel(notebook, "transformer")
    handle(output, "batch").focus()
    for _ in range(80):
        notebook.page.keyboard.press("Tab")
        outline, name = output.page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.closest('[data-headroom]') ? s.outlineStyle : 'left', e.textContent]; }"
        )
        assert outline != "none", name
        if outline == "left":
            break
    assert outline == "left", "the keyboard cannot leave the panel"


def test_a_screen_reader_is_told_the_verdict_as_it_changes(notebook):
    output = panel(notebook, "transformer")
    group = output.get_by_role("group", name="memory budget: transformer")
    said = group.get_by_role("status")
    said.evaluate("e => e.dataset.kept = 'yes'")
    handle(output, "seq").focus()
    verdict = output.locator(".headroom-verdict")
    for key in ("ArrowLeft", "ArrowRight"):
        before = verdict.inner_text()
        notebook.page.keyboard.press(key)
        wait(lambda: verdict.inner_text() != before, f"{key} moved nothing")
        wait(lambda: said.text_content() == verdict.inner_text(), "the verdict was not said")
    assert said.get_attribute("data-kept") == "yes"


def test_copying_works_without_a_clipboard_too(notebook):
    output = panel(notebook, "cnn")
    output.get_by_role("button", name="Copy as code").click()
    copy = output.get_by_role("button", name="Copy", exact=True)
    notebook.page.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})")
    copy.click()
    wait(lambda: output.get_by_role("button", name=re.compile("Copied|Selected")).is_visible(), "nothing was copied")
    assert "var step = cnn()" in notebook.page.evaluate("() => getSelection().toString()")
    output.get_by_role("button", name="Copy as code").click()


def test_a_second_browser_follows_the_first(notebook, browser, address):
    notebook.page.keyboard.press("Control+s")
    notebook.page.wait_for_timeout(1500)
    second = Notebook(browser, address, clear=False)
    try:
        here, there = panel(notebook, "lstm"), panel(second, "lstm")
        there.get_by_role("group", name="memory budget: lstm").get_by_role("slider", name="batch: ").wait_for(timeout=20_000)
        handle(here, "batch").focus()
        notebook.page.keyboard.press("ArrowRight")
        wait(lambda: number(here, "batch") == number(there, "batch") and text(here) == text(there), "the second browser is behind")
        handle(there, "seq").focus()
        second.page.keyboard.press("ArrowRight")
        wait(lambda: number(here, "seq") == number(there, "seq") and text(here) == text(there), "the first browser is behind")
    finally:
        second.close()


def test_dark_text_is_legible(notebook):
    notebook.menu("Settings", "Theme")
    notebook.page.locator(".lm-Menu-item", has_text="JupyterLab Dark").first.click()
    notebook.page.wait_for_timeout(1500)
    faint = panel(notebook, "transformer").evaluate(
        """area => {
          const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number);
          const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length === 3 || c[3] > 0.5) return c; } return [255, 255, 255]; };
          return [...area.querySelectorAll('td, th, summary, code, pre, .widget-label, .widget-readout, button, .headroom-verdict')]
            .filter(e => e.textContent.trim() && e.offsetParent)
            .map(e => { const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
              return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.textContent.trim().slice(0, 40)]; })
            .filter(([contrast]) => contrast < 4.5);
        }"""
    )
    assert faint == []


def test_after_a_restart_the_last_estimate_stays_and_says_so(notebook):
    notebook.page.keyboard.press("Control+s")
    notebook.page.wait_for_timeout(1500)
    shown = re.search(r"needs [\d.]+ \w+", text(panel(notebook, "mlp"))).group(0)
    notebook.menu("Kernel", "Restart Kernel…")
    notebook.page.locator(".jp-Dialog button", has_text="Restart").click()
    notebook.page.wait_for_timeout(2000)
    notebook.page.reload()
    notebook.page.wait_for_selector(".jp-Notebook", timeout=60_000)
    notebook.wait_for_kernel()
    output = panel(notebook, "mlp")
    assert shown in text(output) and "model not found" not in text(output)
    assert output.get_by_text("Run the cell again").is_visible()
