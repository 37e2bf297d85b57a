"""The button below the card of a failed cell, clicked in JupyterLab: what the cell held comes back."""
import json
import pathlib

import pytest

from page import Notebook

REPO = pathlib.Path(__file__).resolve().parents[3]
SCRATCH = "target/release.ipynb"
CELLS = [
    'limit("1200 MiB"); NDManager manager = NDManager.newBaseManager("PyTorch"); List<NDArray> kept = new ArrayList<>();',
    "while (true) { kept.add(manager.ones(new Shape(4 << 20))); }",
    'kept.get(0).isReleased() ? "closed" : "open"',
]


@pytest.fixture(scope="module")
def notebook(lab, browser):
    kernel = {"name": "headroom", "language": "java", "display_name": "Java (Headroom)"}
    cells = [
        {"cell_type": "code", "id": f"cell{at}", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
        for at, code in enumerate(CELLS)
    ]
    (REPO / SCRATCH).write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}))
    opened = Notebook(browser, lab.replace("notebooks/00-start-here.ipynb", SCRATCH))
    yield opened
    opened.close()


def test_the_button_gives_back_what_the_failed_cell_holds(notebook):
    notebook.run("limit(")
    output = notebook.run("while (true)")
    button = output.locator("button", has_text="Release what the failed cell holds")
    button.wait_for(timeout=20_000)
    button.click()
    output.locator("text=/what the failed cell held released: .* came back/").first.wait_for(timeout=20_000)
    assert button.is_disabled()
    assert "closed" in notebook.run("kept.get(0)").inner_text()
