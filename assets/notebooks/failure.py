"""What can go wrong in a notebook."""


class CellFailed(Exception):
    """A cell raised; the message names it, the heading it stands below, and the error."""
