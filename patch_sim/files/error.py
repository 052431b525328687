"""What is raised when a file cannot be read."""

import os


class RecordingError(ValueError):
    """A file that cannot be read as a recording or a protocol, whatever the library below said; its error is the cause.

    Attributes:
        path: of the file.
        reason: what is wrong with it.
    """

    def __init__(self, path: str | os.PathLike[str], reason: str):
        self.path = os.fspath(path)
        self.reason = reason
        super().__init__(self.path, reason)  # both, so that the error can be pickled

    def __str__(self) -> str:
        return f"cannot read {self.path}: {self.reason}"
