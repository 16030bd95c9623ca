"""Every error Aisle raises on purpose. The message is one line: what was expected, what came, what to do."""

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C or SIGTERM ended, as shells have it."""


class AisleError(Exception):
    """Base of all deliberate errors; `exit_code` is what the command line ends with."""

    exit_code = 1


class InputError(AisleError, ValueError):
    """The user's input (arguments, tables, requests, settings) is wrong and was left untouched."""

    exit_code = 2


class CheckFailed(AisleError):
    """A check or the gate refused: the input was readable, the verdict is no."""


class ModelRefused(AisleError):
    """A model directory does not match its manifest, or was made for another schema or library version."""


class StageFailed(AisleError):
    """A pipeline stage ended with an error that is not the user's."""


class RecordDamaged(AisleError):
    """What a store holds of one shopper cannot be decoded."""


class StoreUnavailable(AisleError):
    """Live state cannot be read or written now; the same call may work later."""
