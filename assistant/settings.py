"""Settings: one strict object, read from arguments, ``DALIL_…`` variables and ``dalil.toml``, in this order.

Nothing is read or created when this module is imported; only ``Settings()`` looks at the environment.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from assistant.errors import SettingsError

DEFAULT_EMBEDDING_MODEL = "multilingual-e5-small"
"""The model whose weights come with pip; see ``models.py``."""

ENVIRONMENT_PREFIX = "DALIL_"

_PASSWORD_HASH = re.compile(r"\$argon2id\$[\w$=,+/-]+", re.ASCII)
_TOKEN_DIGEST = re.compile(r"[0-9a-f]{64}")


def shipped_knowledge_dir() -> Path:
    """The knowledge base that comes with Dalil: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_knowledge"
    return installed if installed.is_dir() else package.parent / "knowledge"


def default_knowledge_dir() -> Path:
    """``./knowledge`` where there is one, else the shipped knowledge base."""
    local = Path("knowledge")
    return local if local.is_dir() else shipped_knowledge_dir()


class Settings(BaseSettings):
    """Everything a user can set. Unknown keys are errors.

    Raises:
        SettingsError: a key is unknown or a value is not valid; the message names it.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, toml_file="dalil.toml", extra="forbid", frozen=True
    )

    knowledge_dir: Path = Field(default_factory=default_knowledge_dir)
    """Folder with documents and curated facts."""
    data_dir: Path | None = None
    """Folder for the index. Default: one per knowledge folder below the user's data directory."""
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("dalil"))
    """Folder for prepared models, shared by every index."""
    embedding_model: str = DEFAULT_EMBEDDING_MODEL
    """The default, or any sentence-transformers model by name or path."""
    reranker_model: str | None = None
    """Any sentence-transformers cross-encoder by name or path: ranks the first candidates anew. None: no reranking."""
    answer_threshold: float = Field(default=0.3, ge=0.0, le=1.0)
    """Below this confidence Dalil says that the knowledge base does not hold the answer."""
    chroma_url: str | None = None
    """A Chroma server, such as ``http://127.0.0.1:8000``, that holds the vectors for several processes."""
    chroma_token: SecretStr | None = None
    """Sent to it as ``Authorization: Bearer``, for a proxy that asks for it."""
    chroma_name: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    """This knowledge base's name on the server. Default: made from the path of the knowledge folder."""
    llm_base_url: str | None = None
    """A server that speaks OpenAI's protocol, such as ``http://127.0.0.1:11434/v1``, to write answers with."""
    llm_model: str | None = None
    """The model's name there."""
    llm_api_key: SecretStr | None = None
    llm_timeout: float = Field(default=60.0, gt=0, le=3600)
    """Seconds for a whole answer, retries included; then the sources' own sentences are the answer."""
    llm_context: int = Field(default=4096, ge=1536)
    """Tokens that the model reads and writes at most."""
    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    users: dict[str, str] = Field(default_factory=dict, repr=False)
    """Who may log in: names to password hashes, as ``dalil user NAME`` prints them. Where any is set, all must."""
    api_tokens: dict[str, str] = Field(default_factory=dict, repr=False)
    """Which programs may ask: names to digests of their tokens, as ``dalil token NAME`` prints them."""
    rate_limit: int | None = Field(default=None, ge=0)
    """Questions a minute for each user; 0 for no limit. Default: 60 where users log in, none on this machine."""
    answers_at_once: int | None = Field(default=None, ge=1)
    """How many answers are computed at once; the other questions wait in order. Default: one for each core."""
    max_upload_mb: int = Field(default=50, ge=1)
    """The largest upload to the knowledge page, in megabytes."""

    @field_validator("knowledge_dir", "data_dir", "cache_dir", mode="before")
    @classmethod
    def _folder(cls, value: Any, info: ValidationInfo) -> Any:
        """An empty name is as if it were not given; ``~`` is the home folder."""
        if value == "":
            return cls.model_fields[str(info.field_name)].get_default(call_default_factory=True)
        if not isinstance(value, (str, Path)):
            return value
        try:
            return Path(value).expanduser()
        except RuntimeError:
            raise ValueError(f"the home folder in '{value}' is not known; write the whole path") from None

    @field_validator(
        *("chroma_url", "chroma_token", "chroma_name", "llm_base_url", "llm_model", "llm_api_key"), mode="before"
    )
    @classmethod
    def _given(cls, value: Any) -> Any:
        """An empty value is as if it were not given."""
        return None if value == "" else value

    @field_validator("chroma_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://none")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"'{value}' is not an address such as http://127.0.0.1:8000")
        return value

    @field_validator("llm_base_url")
    @classmethod
    def _model_address(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://none")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"'{value}' is not an address such as http://127.0.0.1:11434/v1")
        return value

    @field_validator("users", "api_tokens")
    @classmethod
    def _names(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        known, command = (_PASSWORD_HASH, "user") if info.field_name == "users" else (_TOKEN_DIGEST, "token")
        for name, secret in value.items():
            if not name.strip() or len(name) > 64 or not name.isprintable():
                raise ValueError(f"'{name}' is not a name: 1 to 64 letters are")
            if not known.fullmatch(secret):
                raise ValueError(f"what '{name}' has is no hash; run: dalil {command} {name}")
        return value

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            problem = error.errors()[0]
            name = ".".join(str(part) for part in problem["loc"])
            known = ", ".join(sorted(type(self).model_fields))
            hint = f"; known settings: {known}" if problem["type"] == "extra_forbidden" else ""
            raise SettingsError(f"setting '{name}': {problem['msg']}{hint}") from None
        except ValueError as error:  # dalil.toml is not TOML
            raise SettingsError(f"dalil.toml: {error}") from None

    @property
    def index_dir(self) -> Path:
        """Where the index of this knowledge folder lives."""
        if self.data_dir is not None:
            return self.data_dir
        return user_data_path("dalil") / f"{self.knowledge_dir.resolve().name}-{self.knowledge_digest}"

    @property
    def knowledge_digest(self) -> str:
        """Tells knowledge folders apart by their paths."""
        return hashlib.sha256(str(self.knowledge_dir.resolve()).encode()).hexdigest()[:8]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over variables, variables over ``dalil.toml`` of the working directory."""
        unknown = sorted(
            name
            for name in os.environ
            if name.upper().startswith(ENVIRONMENT_PREFIX)
            and name[len(ENVIRONMENT_PREFIX) :].lower() not in cls.model_fields
        )
        if unknown:
            known = ", ".join(ENVIRONMENT_PREFIX + name.upper() for name in sorted(cls.model_fields))
            raise SettingsError(f"unknown variable {unknown[0]}; known: {known}")
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
