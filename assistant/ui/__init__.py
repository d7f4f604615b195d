"""The pages in the browser, the chat and the knowledge page: what is said, how it is drawn, and what carries it.

``conversation`` makes turns of questions, ``render`` draws the frame, ``chat`` has Gradio carry both, and the
browser's half in ``static/`` draws what is said and keeps it. ``reading`` shows whole documents. ``texts`` holds
every word of the interface.
The knowledge page is made alike: ``library`` reads and changes the knowledge folder, ``knowledge_render``
draws, ``knowledge`` carries, ``knowledge_texts`` has the words.
"""

import os

# Gradio reads these once, when it is imported: this package must come first, and nothing may call home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
