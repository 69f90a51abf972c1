"""Which errors are addressed to the user, and how they are said."""

from compiler.build.builder import StageFailed

PACKAGES = ("pipeline", "assets", "compiler", "simulator")


def addressed(error: BaseException) -> str | None:
    """
    What to tell the user of an error that was raised for one; None for a fault of the program.

    Errors of a class of our own were raised on purpose, with a message that says what to do; those of the operating
    system name the file. A stage's failure is judged by its cause.
    """
    if isinstance(error, StageFailed):
        return None if addressed(error.cause) is None else str(error)
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0] in PACKAGES:
        return str(error)
    return None
