"""Writing a file so that it is there whole or not at all."""

import contextlib
import os
import uuid
from collections.abc import Generator
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: str) -> Generator[BinaryIO]:
    """Open a file beside `path` that takes its place when all is written; on an error `path` stays as it was."""
    folder, name = os.path.split(os.path.abspath(path))
    # Not NamedTemporaryFile: what it makes is for the owner's eyes only, and stays so when it is moved.
    part = os.path.join(folder, f".{name}.{uuid.uuid4().hex}.part")
    try:
        with open(part, "xb") as file:
            yield file
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(part)
        raise
