"""What the operator may choose, read from the environment; the only place that reads it, or writes it."""

import os
import re
import sys
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self

import limits
from platformdirs import user_data_path
from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "ORFEAS_"
# Set in a Space on ZeroGPU hardware, by the platform.
ZERO_GPU = "SPACES_ZERO_GPU"
# What Gradio takes as whole numbers while it is imported, and ends in a traceback where one is none, used or not.
GRADIO_NUMBERS = ("GRADIO_SERVER_PORT", "GRADIO_NUM_PORTS", "GRADIO_NODE_NUM_PORTS", "GRADIO_ANALYTICS_MAX_EVENTS")
# Before anybody imports torch: left to themselves, its threads spin while they wait, and where other processes are at
# work, its steps take many times as long. What the operator has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class Settings(BaseSettings):
    """Every name the process answers to; each field is ``ORFEAS_`` and its name in capitals.

    Attributes:
        host: address to listen on; ``GRADIO_SERVER_NAME`` works too. 0.0.0.0 opens it to the network.
        port: port to listen on; ``GRADIO_SERVER_PORT`` works too.
        data_dir: folder for uploads, results and the history.
        offline: never reach out to the network, for weights or anything else; a picture that a script names by its web
            address is refused.
        weights: folder with the published weights of learned engines; the Hugging Face cache where it is not set.
        fetch: an engine, or ``all``, whose published weights are fetched when the server starts, where they are
            missing: as much as ``python -m orfeas fetch`` tells, under the licence it tells. ``none`` fetches nothing.
        text_model: the model that makes pictures from words: a repository of diffusers' layout on the Hugging Face Hub,
            such as ``owner/name``, or a folder; empty takes ours, by the memory of the device. Safetensors only.
        device: what learned engines run on; ``auto`` takes a GPU, and never the processor, which would take very long.
        compile: put the learned shape engine through ``torch.compile``: slower in the first job, faster after it. It
            needs a C++ compiler, and Triton for an NVIDIA GPU; not on ZeroGPU.
        max_waiting: jobs that may wait for the device before new ones are refused as ``busy``.
        keep_days: finished jobs and their files are deleted after so many days.
        keep_gb: the oldest are deleted first where all files together are larger than this.
        session_limit: jobs a session may start, such as ``20/hour``; empty is no limit.
        address_limit: jobs a network address may start, such as ``100/day``; empty is no limit.
        allowed_origins: web origins besides the server's own that may send POST requests, separated by commas. Where
            ``host`` is this machine only, a proxy that passes on its public ``Host`` needs its own origin here.
        root_path: public URL path where a proxy serves the studio under a prefix, such as ``/orfeas``.
        trusted_proxies: addresses or networks of proxies, separated by commas, whose ``X-Forwarded-For`` is believed,
            so that ``address_limit`` counts visitors and not the proxy; ``FORWARDED_ALLOW_IPS`` works too.
        username: with ``password``, asks everyone to log in. The plain routes stay open: health, readiness, metrics,
            and jobs by their unguessable ids.
        password: see ``username``; neither goes without the other.
        mcp: serve the endpoints to AI assistants as tools, too, over the Model Context Protocol; needs
            ``requirements-mcp.txt``, and goes with no login.
        log_level: how much is logged.
    """

    # Forbids what the constructor does not know; other names in the environment are never looked at.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True, populate_by_name=True
    )

    host: str = Field(default="127.0.0.1", validation_alias=AliasChoices("ORFEAS_HOST", "GRADIO_SERVER_NAME"))
    port: int = Field(7860, ge=0, le=65535, validation_alias=AliasChoices("ORFEAS_PORT", "GRADIO_SERVER_PORT"))
    data_dir: Path = Field(default_factory=lambda: user_data_path("orfeas", appauthor=False))
    offline: bool = False
    weights: Path | None = None
    fetch: Literal["none", "hunyuan3d-2.1", "hunyuan3d-2.1-paint", "birefnet", "diffusion", "all"] = "none"
    text_model: str = ""
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    compile: bool = False
    max_waiting: int = Field(default=32, ge=1, le=1000)
    keep_days: float = Field(default=7.0, gt=0)
    keep_gb: float = Field(default=10.0, gt=0)
    session_limit: str = ""
    address_limit: str = ""
    allowed_origins: str = ""
    root_path: str = ""
    trusted_proxies: str = Field(
        default="127.0.0.1,::1", validation_alias=AliasChoices("ORFEAS_TRUSTED_PROXIES", "FORWARDED_ALLOW_IPS")
    )
    username: str = ""
    password: str = ""
    mcp: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("text_model")
    @classmethod
    def _is_model(cls, value: str) -> str:
        if value and not is_folder(value) and not REPO_ID.fullmatch(value):
            raise ValueError("it is neither a repository's name, such as owner/name, nor a folder")
        return value

    @field_validator("root_path")
    @classmethod
    def _is_path(cls, value: str) -> str:
        if value and not re.fullmatch(r"(/[\w.~-]+)+", value):
            raise ValueError("it is no URL path; it begins with a slash and does not end with one, such as /orfeas")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for origin in filter(None, (origin.strip() for origin in value.split(","))):
            if not re.fullmatch(r"https?://[^/\s]+/?", origin):
                raise ValueError(f"“{origin}” is no origin, such as https://studio.example")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for network in filter(None, (network.strip() for network in value.split(","))):
            if network != "*":
                ip_network(network, strict=False)
        return value

    @field_validator("session_limit", "address_limit")
    @classmethod
    def _is_rate(cls, value: str) -> str:
        if value:
            limits.parse_many(value)
        return value

    @model_validator(mode="after")
    def _can_import_gradio(self) -> Self:
        for name in GRADIO_NUMBERS:
            value = os.environ.get(name, "0")
            try:
                int(value)
            except ValueError as error:
                raise ValueError(f"{name} is “{value}”, which is no whole number; unset it") from error
        return self

    @model_validator(mode="after")
    def _can_compile(self) -> Self:
        if self.compile and self.is_zero_gpu:
            raise ValueError("ORFEAS_COMPILE cannot be used on ZeroGPU, whose workers would compile anew in every job")
        return self

    @model_validator(mode="after")
    def _has_whole_login(self) -> Self:
        if bool(self.username) != bool(self.password):
            raise ValueError("ORFEAS_USERNAME and ORFEAS_PASSWORD go together; one of them is not set")
        return self

    @model_validator(mode="after")
    def _can_serve_tools(self) -> Self:
        if self.mcp and self.username:
            raise ValueError(
                "ORFEAS_MCP cannot be used with ORFEAS_USERNAME, since assistants have no way to log in; "
                "let a proxy in front of the studio ask for a login or a token instead"
            )
        return self

    @model_validator(mode="after")
    def _can_fetch(self) -> Self:
        if self.fetch != "none" and self.why_no_fetch:
            raise ValueError(f"ORFEAS_FETCH is set, but {self.why_no_fetch}")
        return self

    @property
    def is_zero_gpu(self) -> bool:
        """Whether this is a Space on ZeroGPU, which lends a GPU to a process of its own for one call at a time."""
        return os.environ.get(ZERO_GPU, "").lower() in ("1", "t", "true")

    @property
    def why_no_fetch(self) -> str:
        """Why no weights are fetched at all, as a sentence without its full stop; empty where they can be."""
        if self.offline:
            return "ORFEAS_OFFLINE is set, so nothing is fetched"
        if self.weights is not None:
            return "ORFEAS_WEIGHTS is set, so weights in the Hugging Face cache would not be used"
        return ""


def is_folder(model: str) -> bool:
    """Whether a text model is named by its folder, and not by its repository."""
    return bool(model) and (model[0] in "/.~" or "\\" in model or Path(model).is_dir())


def read_settings() -> Settings:
    """The settings of this process, from its environment.

    Raises:
        pydantic.ValidationError: a value that is not allowed; the message names it.
    """
    return Settings()


def require_settings() -> Settings:
    """The settings of this process, for one that cannot start without them.

    Raises:
        SystemExit: a value that is not allowed; one sentence on standard error says which.
    """
    try:
        return read_settings()
    except ValidationError as error:
        sys.exit(explain(error))


def explain(error: ValidationError) -> str:
    """What :func:`read_settings` refused, as one sentence for the operator that names the variables."""
    faults = []
    for fault in error.errors():
        name = str(fault["loc"][0]) if fault["loc"] else ""
        variable = f"{_variable_of(name.lower().removeprefix(PREFIX.lower()))}: " if name else ""
        faults.append(f"{variable}{fault['msg'].removeprefix('Value error, ')}")
    return f"ORFEAS cannot start with these settings: {'; '.join(faults)}."


def _variable_of(field: str) -> str:
    """The variable that set a field: its own name, or another that it answers to."""
    known = Settings.model_fields.get(field)
    alias = known.validation_alias if known else None
    names = [str(name) for name in alias.choices] if isinstance(alias, AliasChoices) else []
    return next((name for name in names if os.environ.get(name)), f"{PREFIX}{field.upper()}")


def write_environment(values: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Set variables of this process, None to unset; returns what they held before."""
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before


def unknown_names() -> list[str]:
    """Names in the environment that begin with ``ORFEAS_`` and mean nothing here, such as misspelt ones."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
