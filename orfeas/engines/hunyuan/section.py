"""One section of a ``config.yaml``, read by name and type."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from orfeas.errors import EngineUnavailable


@dataclass(frozen=True)
class Section:
    """Named values under a dotted ``path``, as YAML gave them. Every reader raises ``EngineUnavailable`` by name."""

    path: str
    values: Mapping[str, object]

    def integer(self, name: str, absent: int | None = None, least: int = 1) -> int:
        """A whole number of at least ``least``; without ``absent`` it must be there."""
        value = self._value(name, absent)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self._unfit(name, value, f"a whole number of at least {least}")
        return value

    def number(self, name: str, absent: float) -> float:
        """A finite number; YAML 1.1 reads ``1e-6`` as text, which counts."""
        value = self._value(name, absent)
        try:
            number = math.nan if isinstance(value, bool) else float(str(value))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self._unfit(name, value, "a number")
        return number

    def flag(self, name: str, absent: bool) -> bool:
        """True or false."""
        value = self._value(name, absent)
        if not isinstance(value, bool):
            raise self._unfit(name, value, "true or false")
        return value

    def text(self, name: str, absent: str) -> str:
        """A word."""
        value = self._value(name, absent)
        if not isinstance(value, str):
            raise self._unfit(name, value, "text")
        return value

    def section(self, name: str) -> "Section":
        """A section in this one, which must be there."""
        value = self._value(name, None)
        if not isinstance(value, dict):
            raise self._unfit(name, value, "a mapping")
        return Section(f"{self.path}.{name}", value)

    def refuse_if_set(self, name: str, absent: bool = False) -> None:
        """Refuse an option that the release switches off."""
        value = self.values.get(name, absent)
        if value is not None and value is not False:
            raise EngineUnavailable(f"{self.path}.{name} is on in the weights' config.yaml; this engine has it off.")

    def refuse_unknown(self, known: set[str]) -> None:
        """Refuse names that are not known."""
        unknown = sorted(set(self.values) - known)
        if unknown:
            raise EngineUnavailable(f"{self.path}.{unknown[0]} in the weights' config.yaml is not known.")

    def expect(self, name: str, only: str | int) -> None:
        """Refuse any value but ``only``, which is also what absence means."""
        if self.values.get(name, only) != only:
            raise self._unfit(name, self.values[name], f"{only}")

    def _value(self, name: str, absent: object) -> object:
        value = self.values.get(name)
        if value is None:
            if absent is None:
                raise EngineUnavailable(f"{self.path}.{name} is missing in the weights' config.yaml.")
            return absent
        return value

    def _unfit(self, name: str, value: object, allowed: str) -> EngineUnavailable:
        return EngineUnavailable(
            f"{self.path}.{name} is {str(value)[:60]!r} in the weights' config.yaml; this engine takes {allowed}."
        )


def open_section(content: Mapping[str, object], name: str, classes: set[str]) -> Section:
    """The ``params`` of a top-level section, if the last part of its ``target`` is one of ``classes``.

    Raises:
        EngineUnavailable: the section is missing, or is of another class.
    """
    outer = Section("config.yaml", content).section(name)
    target = outer.text("target", "").rpartition(".")[2]
    if target not in classes:
        raise EngineUnavailable(
            f"The {name} in the weights' config.yaml is a {target or 'nameless class'}; this engine runs "
            f"{', '.join(sorted(classes))}, which is Hunyuan3D-2.1."
        )
    params = outer.values.get("params")
    return Section(name, params if isinstance(params, dict) else {})
