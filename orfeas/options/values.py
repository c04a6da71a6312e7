"""Single values, checked once at the border; a refusal names the option and says what is allowed."""

import math
import secrets
from enum import StrEnum
from typing import TypeVar

from orfeas.errors import InvalidOption, InvalidPrompt

MAX_PROMPT_CHARACTERS = 1000
MAX_SEED = 2**31 - 1
# Far beyond every range; a whole number of any length can be compared with it, and not with infinity.
MAX_NUMBER = 10**15
Choice = TypeVar("Choice", bound=StrEnum)


def parse_choice(name: str, value: object, choices: type[Choice]) -> Choice:
    """The member of ``choices`` that ``value`` names, in any letter case.

    Raises:
        InvalidOption: no such choice; the message lists what is allowed.
    """
    try:
        return choices(str(value).strip().lower())
    except ValueError:
        allowed = ", ".join(choices)
        raise InvalidOption(f"{name} cannot be {quote(value)}; choose one of {allowed}.", name) from None


def parse_bool(name: str, value: object) -> bool:
    """``value`` if it is a truth value.

    Raises:
        InvalidOption: anything else, the word "false" too.
    """
    if isinstance(value, bool):
        return value
    raise InvalidOption(f"{name} cannot be {quote(value)}; choose true or false.", name)


def parse_number(
    name: str, value: object, low: float, high: float, auto: float | None = None, auto_is: str = "let ORFEAS choose"
) -> float:
    """``value`` if it is a finite number in ``[low, high]`` or the value ``auto``; ``auto_is`` says what that is for.

    Raises:
        InvalidOption: not a number, not finite, or out of range; the message says the range.
    """
    hint = "" if auto is None else f", or {auto:g} to {auto_is}"
    allowed = f"a number from {low:,.12g} to {high:,.12g}{hint}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, int | float) or not is_number or abs(value) > MAX_NUMBER or math.isnan(value):
        raise InvalidOption(f"{name} cannot be {quote(value)}; it takes {allowed}.", name)
    if value != auto and not low <= value <= high:
        raise InvalidOption(f"{name} cannot be {value:.12g}; it takes {allowed}.", name)
    return float(value)


def parse_integer(name: str, value: object, low: int, high: int, auto: int | None = None) -> int:
    """``value`` if it is a whole number in ``[low, high]`` or the value ``auto``; 30.0 counts as whole.

    Raises:
        InvalidOption: not a whole number, or out of range; the message says the range.
    """
    return parse_whole(name, parse_number(name, value, low, high, auto))


def parse_whole(name: str, number: float) -> int:
    """``number`` if it is whole; 30.0 is.

    Raises:
        InvalidOption: it has a fraction.
    """
    if number != int(number):
        raise InvalidOption(f"{name} cannot be {number:g}; it takes a whole number.", name)
    return int(number)


def parse_prompt(value: object) -> str:
    """The prompt with control characters and runs of white space folded into single spaces.

    Raises:
        InvalidPrompt: empty, or over 1000 characters.
    """
    if not isinstance(value, str):
        raise InvalidPrompt("The prompt must be text.")
    if len(value) > MAX_PROMPT_CHARACTERS:
        raise InvalidPrompt(
            f"The prompt has {len(value):,} characters; the most is {MAX_PROMPT_CHARACTERS:,}. Shorten it."
        )
    prompt = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if not prompt:
        raise InvalidPrompt("The prompt is empty. Describe one object, such as “a red apple”.")
    return prompt


def choose_seed(seed: int) -> int:
    """``seed``, or a random one for -1."""
    return secrets.randbelow(MAX_SEED + 1) if seed == -1 else seed


def quote(value: object) -> str:
    """A short, printable form of what the caller sent, safe to show back to them."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else "�" for c in text[:41])
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
