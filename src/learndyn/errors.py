"""The errors that learndyn raises on purpose: one sentence that names the argument, the value and a next step."""

# Characters of what another library says, in a sentence.
LONGEST = 160


class LearndynError(Exception):
    """Base of every error that learndyn raises on purpose."""


class InputError(LearndynError, ValueError):
    """An argument, a scenario file or a result file is not usable; the message says which, why and what to do."""


class CallError(InputError, TypeError):
    """A call with an argument that there is not, or without one that it needs; what Python calls a `TypeError`."""


class LearndynWarning(UserWarning):
    """A run ended early, or something about a result deserves attention; the message says what and where."""


def first_line(error: BaseException) -> str:
    """What an error of another library or of a user's function says, as a part of a sentence; else its name."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return text.rstrip(".: ") if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
