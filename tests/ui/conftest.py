"""What the tests of the interface share."""

from __future__ import annotations

import pytest

from .fake import FakeDalil


@pytest.fixture
def dalil() -> FakeDalil:
    """An assistant that has not been asked anything."""
    return FakeDalil()
