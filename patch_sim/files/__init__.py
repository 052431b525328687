"""Recordings in files: ABF in; npz and CSV in and out."""

from patch_sim.files import npz as npz, text as text
from patch_sim.files.error import RecordingError as RecordingError
from patch_sim.files.read import read as read
from patch_sim.recording import WRITERS

WRITERS.update({".npz": npz.write, ".csv": text.write})
