"""Finds cells and reads what they show, by MIME type and content."""

PLAIN, HTML = "text/plain", "text/html"
WIDGET = "application/vnd.jupyter.widget-view+json"
PLOTLY = "application/vnd.plotly.v1+json"


def cell(notebook, source):
    """The code cell with exactly this source, or the only one that begins with it."""
    code = [c for c in notebook.cells if c.cell_type == "code"]
    exact = [c for c in code if c.source == source]
    (found,) = exact or [c for c in code if c.source.startswith(source)]
    return found


def bundles(found):
    return [o.data for o in found.outputs if o.output_type in ("display_data", "execute_result")]


def result(found):
    """The value of the cell's last expression."""
    (data,) = [o.data for o in found.outputs if o.output_type == "execute_result"]
    return data


def printed(found, name="stdout"):
    return "".join(o.text for o in found.outputs if o.output_type == "stream" and o.name == name)


def error(found):
    return next((o for o in found.outputs if o.output_type == "error"), None)


def everything(found):
    """All text a person could read under the cell."""
    return printed(found) + "".join(d.get(HTML, d[PLAIN]) for d in bundles(found))
