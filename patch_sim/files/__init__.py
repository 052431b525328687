"""Files: recordings from ABF, npz and CSV, and to these and ATF; protocols from JSON, and to JSON and ATF."""

from patch_sim import protocols, recording
from patch_sim.files import abf1 as abf1, atf as atf, npz as npz, text as text
from patch_sim.files.error import RecordingError as RecordingError
from patch_sim.files.protocol import load_protocol as load_protocol, write as _write_protocol
from patch_sim.files.read import read as read

recording.WRITERS.update({".npz": npz.write, ".csv": text.write, ".abf": abf1.write, ".atf": atf.write_recording})
protocols.WRITERS.update({".json": _write_protocol, ".atf": atf.write})
