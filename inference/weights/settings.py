"""Settings that say where the weights of the local engine are."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from inference.contract.settings import DataFolder, LoadedEngines
from inference.weights.components import COMPONENTS, Component
from inference.weights.hub import HubModel, parse_hub


class WeightsSettings(DataFolder, LoadedEngines):
    """`*_path` names the operator's own file or folder for a component, `*_hub` a model on the hub."""

    model_config = SettingsConfigDict(env_prefix="CASCADE_")

    models_dir: Path | None = Field(
        None,
        validation_alias="MODELS_DIR",
        description="Weights of the local engine; empty for `models` in DATA_DIR.",
    )
    language_path: str = Field("", description="A GGUF instruct model of your own for the local engine.")
    language_hub: str = Field("", description="Or one on the hub: `owner/repository/file.gguf@commit#sha256`.")
    recognition_path: str = Field("", description="A faster-whisper model folder of your own.")
    recognition_hub: str = Field("", description="Or one on the hub: `owner/repository@commit`.")
    turn_end_path: str = Field("", description="A smart-turn ONNX file of your own.")
    turn_end_hub: str = Field("", description="Or one on the hub: `owner/repository/file.onnx@commit`.")

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

    def own_path(self, component: Component) -> Path | None:
        """The operator's own file or folder for a component."""
        named: str = getattr(self, f"{component.name}_path")
        return Path(named) if named else None

    def hub_model(self, component: Component) -> HubModel | None:
        """The model on the hub that is to be used for a component."""
        named: str = getattr(self, f"{component.name}_hub")
        return parse_hub(named, folder=not component.entry) if named else None
