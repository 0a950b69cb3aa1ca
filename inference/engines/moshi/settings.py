"""Settings of the engine `moshi`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.settings import Settings

REPOSITORY: Final = re.compile(r"[\w-][\w.-]*/[\w.-]+")


class MoshiSettings(Settings):
    """`checkpoint` is a folder on this machine, a configuration in one, or a repository on the hub."""

    model_config = SettingsConfigDict(env_prefix="MOSHI_")

    checkpoint: str = Field(
        "", description="Weights of the engine `moshi`: a folder, or on the hub (`kyutai/moshiko-pytorch-bf16`)."
    )
    revision: str = Field(
        "",
        description="Commit, branch or tag of that repository; empty for its newest. A take's snapshot has the commit.",
    )
    device: Annotated[Literal["auto", "cuda", "cpu"], BeforeValidator(lambda value: str(value).lower())] = Field(
        "auto", description="`cuda`, `cpu`, or `auto` for a GPU where there is one."
    )
    hf_token: str = Field(
        "",
        repr=False,
        validation_alias="HF_TOKEN",
        description="Token of the hub, for a repository that is private or gated.",
    )
    hf_endpoint: str = Field("", validation_alias="HF_ENDPOINT", description="A mirror of the hub; empty for the hub.")
    hf_hub_offline: bool = Field(
        False, validation_alias="HF_HUB_OFFLINE", description="Keeps the engine `moshi` from asking the hub."
    )

    @field_validator("checkpoint")
    @classmethod
    def _somewhere(cls, checkpoint: str) -> str:
        if not checkpoint:
            raise ValueError(
                "a repository on the hub (kyutai/moshiko-pytorch-bf16: 16 GB to download, needs a GPU) or a folder"
            )
        if not Path(checkpoint).expanduser().exists() and not REPOSITORY.fullmatch(checkpoint):
            raise ValueError("a folder on this machine, or a repository on the hub (owner/name)")
        return checkpoint

    @field_validator("revision")
    @classmethod
    def _of_a_repository(cls, revision: str, info: ValidationInfo) -> str:
        checkpoint = info.data.get("checkpoint")
        if revision and checkpoint and Path(checkpoint).expanduser().exists():
            raise ValueError("empty where MOSHI_CHECKPOINT is a folder: it pins a repository")
        return revision

    @property
    def folder(self) -> Path | None:
        """The checkpoint's path on this machine; None where it is on the hub."""
        path = Path(self.checkpoint).expanduser()
        return path if path.exists() else None
