"""Serves the chat of the fake assistant on the port given: what the tests of ``serve`` start."""

import sys

from assistant.server import serve

from .fake import FakeDalil

if __name__ == "__main__":
    serve(FakeDalil(), "127.0.0.1", int(sys.argv[1]))
