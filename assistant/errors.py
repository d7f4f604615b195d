"""What can go wrong, as one tree.

DalilError
├── SettingsError        a setting is unknown, malformed or contradictory
├── QuestionError        the question cannot be asked (empty, too long)
├── DocumentError        one file cannot be read; the others still can
├── FactsError           one facts file, or one fact in it, is not valid
├── KnowledgeError       the knowledge folder itself cannot be used
├── ModelError           a model cannot be found, prepared or loaded
├── ServerBusyError      too many questions wait already
└── IndexStateError      the index cannot be used as it is
    ├── IndexBusyError       another process owns the data directory
    ├── IndexMismatchError   it was built with another model or text analysis
    └── VectorServerError    the Chroma server cannot be reached or has lost vectors

Every message is one line that says what is wrong, where, and what to do next: the command line prints
it as it is and exits with 1. This module imports nothing from the package.
"""


class DalilError(Exception):
    """Base of every error that a user can act on."""


class SettingsError(DalilError):
    """A setting is unknown, malformed or contradicts another."""


class QuestionError(DalilError, ValueError):
    """The question cannot be asked: it is empty or too long."""


class DocumentError(DalilError):
    """One source file cannot be read."""


class FactsError(DalilError):
    """A facts file, or one fact in it, is not valid."""


class KnowledgeError(DalilError):
    """The knowledge folder does not exist or cannot be read."""


class ModelError(DalilError):
    """An embedding model or a reranker cannot be found, prepared or loaded."""


class ServerBusyError(DalilError):
    """Too many questions wait already, or the server is stopping."""


class IndexStateError(DalilError):
    """The index cannot be used as it is."""


class IndexBusyError(IndexStateError):
    """Another process owns the data directory."""


class IndexMismatchError(IndexStateError):
    """The index was built with another model or another text analysis."""


class VectorServerError(IndexStateError):
    """The Chroma server cannot be reached, or what it holds cannot be used."""

    def __init__(self, message: str, reached: bool = False) -> None:
        super().__init__(message)
        self.reached = reached
        """Whether the server answered, if only to refuse."""
