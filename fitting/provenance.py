"""What a saved fit was made of: its data, and the version that made it."""

import hashlib
import importlib.metadata

import numpy as np

import patch_sim as ps


def fingerprint(recording: ps.Recording) -> str:
    """The SHA-256 of what a fit reads of a recording: its mode, times, command, response and mask.

    A fit keeps those of its recordings: `fitting.fingerprint(rec) in result.fingerprints` tells whether it was made on
    this one. Numbers are hashed in float32, so that it does not depend on the precision in which a file was read.

    Raises:
        ValueError: a recording without a response.
    """
    digest = hashlib.sha256(f"{recording.mode.name} {np.shape(recording.response)}".encode())
    command = np.zeros(0) if recording.command is None else recording.command
    for signal in (recording.time, command, recording.response):
        digest.update(np.ascontiguousarray(np.asarray(signal), dtype="<f4").tobytes())
    digest.update(np.packbits(np.asarray(recording.scored)).tobytes())
    return digest.hexdigest()


def version() -> str:
    """Of patch_sim; "unknown" where it runs from a folder that was not installed."""
    try:
        return importlib.metadata.version("patch-sim")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
