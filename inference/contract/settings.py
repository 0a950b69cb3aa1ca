"""Settings from environment variables: each reader has a class beside it, and all problems are reported at once.

A field `slots` of a class with the prefix `WORKER_` is read from `WORKER_SLOTS`; a field with an alias is read from the
variable of that name. A field with `repr=False` is a secret: its value is in no message and no representation.
docs/settings.md is made from the classes (`python -m docs.settings`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, cast, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from inference.contract.catalog import ENGINES, Entry, load
from inference.contract.errors import EngineUnavailable, InferenceError

ROOT: Final = Path(__file__).resolve().parent.parent.parent
MIN_SECRET_CHARACTERS: Final = 32
LEAST_DIFFERENT: Final = 8  # characters, and steps from one to the next; 32 random hexadecimal digits have more
SECRETS_FILE: Final = "secrets.json"  # in DATA_DIR; made by the web at its first start, outside production
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
_UNITS: Final[Mapping[str, str]] = {"sec": "seconds", "ms": "milliseconds"}
_LIKENESS: Final = 0.85  # least similarity of a misspelt name to the intended one


def is_guessable(secret: str) -> bool:
    """Whether a secret is long in letters alone: a repetition, a row of keys, or a framework's example."""
    differing = {second - first for first, second in pairwise(map(ord, secret))}
    return (
        len(set(secret)) < LEAST_DIFFERENT
        or secret in (secret + secret)[1:-1]
        or len(differing) < LEAST_DIFFERENT
        or secret.startswith("django-insecure-")
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """`variable` should be `expected`. `found` is its value: "" if it is not set, None if it is a secret."""

    variable: str
    expected: str
    found: str | None

    def __str__(self) -> str:
        found = f" (found {self.found!r})" if self.found else ""
        return f"{self.variable}: should be {self.expected}{found}"

    @property
    def reason(self) -> str:
        """Returns the problem as a clause: "WORKER_SLOTS is '0'"."""
        match self.found:
            case None:
                return f"{self.variable} is not valid"
            case "":
                return f"{self.variable} is not set"
        return f"{self.variable} is {self.found!r}"

    @property
    def remedy(self) -> str:
        return f"Set {self.variable} to {self.expected}."


class WrongSettings(InferenceError):
    """Some of a reader's variables are wrong; all of them are listed."""

    code = "wrong_settings"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def _split(value: Any) -> Any:
    """ "echo, cascade,echo" -> ("echo", "cascade")."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]  # separated by commas


class Settings(BaseSettings):
    """The base class of settings.

    A subclass's validator raises ValueError with a phrase for what the value should be: "the address to listen on"."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
        validate_default=True,
        enable_decoding=False,
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *others: Any, **named: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Makes an instance hold only what it was given: only `read` uses an environment, the one passed to it."""
        return (init_settings,)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Reads the settings; an empty variable counts as unset. Raises WrongSettings."""
        given = {name.lower(): value.strip() for name, value in environ.items() if value.strip()}
        source = EnvSettingsSource(cls)
        source.env_vars = given
        try:
            return cls(**source())
        except ValidationError as error:
            raise WrongSettings(_problem(cls, detail, given) for detail in error.errors()) from None

    @classmethod
    def read_for(cls, name: str, environ: Mapping[str, str]) -> Self:
        """Reads the settings of the engine or converter `name`. Raises EngineUnavailable."""
        try:
            return cls.read(environ)
        except WrongSettings as wrong:
            reason = ", ".join(problem.reason for problem in wrong.problems)
            raise EngineUnavailable(name, reason, " ".join(problem.remedy for problem in wrong.problems)) from None

    @classmethod
    def variables(cls) -> dict[str, FieldInfo]:
        """Maps each variable to the field that is read from it."""
        return {cls.variable(name): field for name, field in cls.model_fields.items()}

    @classmethod
    def variable(cls, field: str) -> str:
        """Returns the name of the variable that a field is read from."""
        alias = cls.model_fields[field].validation_alias
        return alias if isinstance(alias, str) else f"{cls.model_config.get('env_prefix', '')}{field}".upper()


class DataFolder(Settings):
    """The folder in which everything is kept."""

    data_dir: Path = Field(
        ROOT / "var", validation_alias="DATA_DIR", description="Database file, journals, recordings, queue and weights."
    )


def settings_class(entry: Entry) -> type[Settings]:
    """Imports and returns the class that reads the settings of an entry that has some."""
    return cast("type[Settings]", load(entry.settings))


class LoadedEngines(Settings):
    """The engines that are to be loaded on this machine."""

    engines: Names = Field(
        ("cascade", "echo"),
        validation_alias="WORKER_ENGINES",
        description="Engines an inference worker loads, with commas between.",
    )

    @field_validator("engines")
    @classmethod
    def _known(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if not engines or not set(engines) <= set(ENGINES):
            raise ValueError(f"among {', '.join(ENGINES)}, with commas between")
        return engines


class BothSides(DataFolder):
    """The settings on which the web and the inference workers must agree."""

    mode: Literal["local", "production"] = Field(
        "local", validation_alias="HEARMEOUT_MODE", description="`production` demands secrets, hosts and HTTPS."
    )
    worker_secret: str = Field(
        "",
        repr=False,
        validation_alias="WORKER_SECRET",
        description="Shared by web and inference workers; signs slot tokens. At least 32 characters in production.",
    )
    reconnect_grace_sec: float = Field(
        15, gt=0, le=300, validation_alias="RECONNECT_GRACE_SEC", description="How long a broken talk can be resumed."
    )
    log_level: LogLevel = Field("INFO", validation_alias="LOG_LEVEL", description="Least level that is logged.")

    @property
    def production(self) -> bool:
        return self.mode == "production"


def url_of(schemes: tuple[str, ...], expected: str, url: str) -> str:
    """Validates an address and removes a slash at its end. Raises ValueError if it is not a valid address."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # unclosed brackets, or a port that is too large or not a number
        valid = False
    if not valid:
        raise ValueError(expected)
    return url.rstrip("/")


def misspelt(environ: Iterable[str], classes: Iterable[type[Settings]]) -> dict[str, str]:
    """Maps each variable that no reader knows, but whose name resembles a known one, to the one probably meant."""
    known = {variable for each in classes for variable in each.variables()}
    prefixes = {variable.split("_")[0] for variable in known if "_" in variable}
    unknown = [name for name in environ if name not in known and name.split("_")[0] in prefixes]
    meant = {name: get_close_matches(name, known, 1, _LIKENESS) for name in unknown}
    return {name: close[0] for name, close in meant.items() if close}


def _problem(cls: type[Settings], detail: Any, given: Mapping[str, str]) -> Problem:
    """Converts one detail of pydantic's error to a Problem."""
    names = {cls.variable(name): name for name in cls.model_fields}
    name = str(detail["loc"][0])
    name = names.get(name, name)
    field, variable = cls.model_fields[name], cls.variable(name)
    own_words = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else ""
    found: str | None = given.get(variable.lower(), "")
    if found and not field.repr:
        found = None
    return Problem(variable, own_words or _expected(name, field), found)


def _expected(name: str, field: FieldInfo) -> str:
    """Describes the values of a field by type and bounds: "a whole number from 1 to 512", "seconds from 0 to 300"."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)] or [field.annotation]
    if get_origin(field.annotation) is Literal:
        return f"one of {', '.join(map(str, get_args(field.annotation)))}"
    if bool in kinds:
        return "true or false"
    bounds = {key: getattr(mark, key) for mark in field.metadata for key in ("ge", "gt", "le") if hasattr(mark, key)}
    unit = _UNITS.get(name.rpartition("_")[2], "a whole number" if int in kinds else "a number")
    least, most = bounds.get("ge"), bounds.get("le")
    if "gt" in bounds:
        return f"{unit} above {bounds['gt']}" + ("" if most is None else f", at most {most}")
    if least is None and most is None:
        return unit
    if most is None:
        return f"{unit}, {least} or more"
    return f"{unit} from {least} to {most}"
