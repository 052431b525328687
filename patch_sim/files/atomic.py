"""Writing a file so that it is there whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """Open a file beside `path` that takes its place when all is written; on an error `path` stays as it was."""
    folder, name = os.path.split(os.path.abspath(path))
    # Not NamedTemporaryFile: its file is for the owner's eyes only, and stays so when it is moved.
    part = os.path.join(folder, f".{name}.{next(tempfile._get_candidate_names())}.part")
    try:
        with open(part, "xb") as file:
            yield file
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(part)
        raise
