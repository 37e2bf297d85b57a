"""JupyterLab's page as a person uses it: run the next cell, read what it shows, move a slider."""
import re
import time

CELL = ".jp-Notebook .jp-Cell"


class Notebook:
    def __init__(self, browser, address, width=1400, height=1000, scheme="light", clear=True):
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.opened_at = time.monotonic()
        self.page.goto(address)
        self.page.wait_for_selector(".jp-Notebook", timeout=60_000)
        self.wait_for_kernel()
        if clear:
            self.menu("Edit", "Clear Outputs of All Cells")

    def menu(self, bar, item):
        self.page.locator(".lm-MenuBar-item", has_text=bar).first.click()
        self.page.locator(".lm-Menu-item", has_text=item).first.click()

    def wait_for_kernel(self):
        """Until the kernel has answered: the first status the page shows is that of no kernel at all."""
        self.page.wait_for_selector(r"text=/Java \(Headroom[^)|]*\) \| Idle/", timeout=60_000)
        self.page.wait_for_timeout(500)

    def cell(self, holding):
        """The code cell whose source holds this text. All cells are in the page: windowing only hides what is far away."""
        found = self.page.locator(f"{CELL}.jp-CodeCell").filter(
            has=self.page.locator(".jp-InputArea-editor", has_text=re.compile(re.escape(holding)))
        )
        return found.first

    def run(self, holding, timeout=120):
        """Shift+Enter in the cell, as a person; waits until it is done and gives its output area."""
        cell = self.cell(holding)
        cell.scroll_into_view_if_needed()
        cell.locator(".jp-InputArea-editor").click()
        before = self.prompt(cell)
        self.page.keyboard.press("Shift+Enter")
        until = time.monotonic() + timeout
        while True:
            now = self.prompt(cell)
            if now != before and re.fullmatch(r"\[\d+\]:", now):
                break
            assert time.monotonic() < until, f"{holding}: still {now or 'not run'} after {timeout} s"
            self.page.wait_for_timeout(50)
        self.page.wait_for_timeout(150)
        return cell.locator(".jp-Cell-outputArea")

    @staticmethod
    def prompt(cell):
        return cell.locator(".jp-InputPrompt").inner_text().strip()

    def picture(self, locator, path):
        locator.scroll_into_view_if_needed()
        locator.screenshot(path=str(path))

    def close(self):
        self.context.close()
