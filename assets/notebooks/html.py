"""An executed notebook as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from html import escape

from nbconvert import HTMLExporter
from nbformat import NotebookNode

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""

STYLE = """body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1d2433; background: #f5f6f8; margin: 0 }
main { display: flow-root; box-sizing: border-box; max-width: 1120px; margin: 0 auto; padding: 24px 40px 40px }
main { background: #fff }
h1 { font-size: 26px; margin: 0 0 4px }
h2 { font-size: 19px; margin: 28px 0 0; padding: 20px 0 4px; border-top: 1px solid #e3e6ec }
h1 .anchor-link, h2 .anchor-link { display: none }
p { margin: 4px 0 10px; max-width: 76ch; color: #4a5468 }
img { max-width: 100%; height: auto; display: block; margin: 8px 0 }
.input, .prompt { display: none }
"""


def page(notebook: NotebookNode, title: str) -> str:
    """The outputs and texts of a notebook; its code stays in the notebook."""
    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    shown = NotebookNode(notebook, cells=[cell for cell in notebook.cells if cell.cell_type != "code" or cell.outputs])
    body, _ = exporter.from_notebook_node(shown)
    return PAGE.format(title=escape(title), style=STYLE.strip(), body=body.strip())
