"""The errors that learndyn raises on purpose: one sentence that names the argument, the value and a next step."""


class LearndynError(Exception):
    """Base of every error that learndyn raises on purpose."""


class InputError(LearndynError, ValueError):
    """An argument, a scenario file or a result file is not usable; the message says which, why and what to do."""


class LearndynWarning(UserWarning):
    """A run ended early, or something about a result deserves attention; the message says what and where."""
