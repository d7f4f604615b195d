"""The chat in the browser: what is said, how it is drawn, and the widgets that hold it.

Data flows one way: ``conversation`` asks and keeps turns, ``render`` draws turns as HTML, ``chat`` puts
both behind Gradio widgets, ``static/`` is the browser's half. ``texts`` holds every word of the interface.
"""

import os

# Gradio reads these once, when it is imported: this package must come first, and nothing may call home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
