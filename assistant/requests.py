"""What programs may send: strict types that the HTTP interface and the MCP tools share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.schema import MAX_QUESTION_CHARACTERS

MAX_TURNS = 50
MAX_TURN_CHARACTERS = 20_000
MAX_HITS = 100

Turn = Annotated[list[Annotated[str, Field(max_length=MAX_TURN_CHARACTERS)]], Field(min_length=2, max_length=2)]


class Strict(BaseModel):
    """A request: keys that are not known and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(Strict):
    """A question."""

    question: str = Field(
        min_length=1,
        max_length=MAX_QUESTION_CHARACTERS,
        description="In Arabic or English.",
        examples=["ما هو الممر الأوسط؟", "What is the Middle Corridor?"],
    )
    history: list[Turn] = Field(
        default_factory=list,
        max_length=MAX_TURNS,
        description="Earlier turns, oldest first, each as [question, answer text]: for follow-up questions.",
    )
    language: Literal["ar", "en"] | None = Field(
        default=None, description="Answer in this language, whatever the question's is."
    )

    @property
    def turns(self) -> list[tuple[str, str]]:
        """The history as ``Assistant.ask`` takes it."""
        return [(question, answer) for question, answer in self.history]


class Searched(Strict):
    """What passages are looked for."""

    query: str = Field(
        min_length=1, max_length=MAX_QUESTION_CHARACTERS, description="Words or a question, in Arabic or English."
    )
    limit: int = Field(default=10, ge=1, le=MAX_HITS, description="How many passages at most.")


class Wanted(Strict):
    """Which document is read."""

    document_id: str = Field(max_length=4096, description="As a citation or a passage names it.")


def explained(errors: Sequence[Any], skip: int = 0) -> str:
    """The first of pydantic's errors in one line: where, what, and how many more there are.

    Args:
        errors: what ``errors()`` of the exception gives.
        skip: so many parts at the beginning of each place say nothing.
    """
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"][skip:])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {first['msg']}{more}" if where else f"{first['msg']}{more}"
