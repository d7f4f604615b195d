"""The pages in the browser, the chat and the knowledge page: what is said, how it is drawn, and what carries it.

Data flows one way: ``conversation`` asks and keeps turns, ``render`` draws turns as HTML, ``chat`` puts
both behind Gradio widgets, ``static/`` is the browser's half. ``texts`` holds every word of the interface.
The knowledge page is made alike: ``library`` reads and changes the knowledge folder, ``knowledge_render``
draws, ``knowledge`` carries, ``knowledge_texts`` has the words.
"""

import os

# Gradio reads these once, when it is imported: this package must come first, and nothing may call home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
