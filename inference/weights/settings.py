"""Settings that say where the weights of the local engine are, on this machine or on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.settings import DataFolder, LoadedEngines
from inference.weights.components import COMPONENTS, Component
from inference.weights.hub import Access, HubModel, parse_hub


class WeightsSettings(DataFolder, LoadedEngines):
    """`*_path` names the operator's own file or folder for a component, `*_hub` a model on the hub."""

    model_config = SettingsConfigDict(env_prefix="CASCADE_")

    models_dir: Path | None = Field(
        None,
        validation_alias="MODELS_DIR",
        description="Weights of the local engine; empty for `models` in DATA_DIR.",
    )
    language: str = Field(
        "",
        validation_alias="LANGUAGE",
        description="`small` keeps the small language model where the hub would give a larger one. Any other value, "
        "such as one of gettext's, says nothing.",
    )
    language_path: str = Field("", description="A GGUF instruct model of your own for the local engine.")
    language_hub: str = Field("", description="Or one on the hub: `owner/repository/file.gguf@commit#sha256`.")
    recognition_path: str = Field("", description="A faster-whisper model folder of your own.")
    recognition_hub: str = Field("", description="Or one on the hub: `owner/repository@commit`.")
    turn_end_path: str = Field("", description="A smart-turn ONNX file of your own.")
    turn_end_hub: str = Field("", description="Or one on the hub: `owner/repository/file.onnx@commit`.")

    hf_token: str = Field(
        "",
        repr=False,
        validation_alias="HF_TOKEN",
        description="Token of the hub, for a repository that is private or gated.",
    )
    hf_endpoint: str = Field("", validation_alias="HF_ENDPOINT", description="A mirror of the hub; empty for the hub.")
    hf_hub_offline: bool = Field(
        False, validation_alias="HF_HUB_OFFLINE", description="Keeps everything from asking the hub."
    )

    @field_validator("language_hub", "recognition_hub", "turn_end_hub")
    @classmethod
    def _named_rightly(cls, value: str, info: ValidationInfo) -> str:
        if value:
            component = COMPONENTS[(info.field_name or "").removesuffix("_hub")]
            parse_hub(value, folder=not component.entry)
        return value

    @property
    def folder(self) -> Path:
        """Where fetched weights are kept: MODELS_DIR, else DATA_DIR/models."""
        return self.models_dir or self.data_dir / "models"

    @property
    def small(self) -> bool:
        """Whether the small language model is to be kept."""
        return self.language == "small"

    @property
    def access(self) -> Access:
        return Access(self.hf_endpoint, self.hf_token, offline=self.hf_hub_offline)

    def own_path(self, component: Component) -> Path | None:
        """Returns the operator's own file or folder for a component, or None."""
        named: str = getattr(self, f"{component.name}_path", "")
        return Path(named) if named else None

    def hub_model(self, component: Component) -> HubModel | None:
        """Returns the hub model that is configured for a component, or None."""
        named: str = getattr(self, f"{component.name}_hub", "")
        return parse_hub(named, folder=not component.entry) if named else None
