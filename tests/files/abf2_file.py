"""A small writer of ABF2 files, so that the reader is tested on what no recording at hand has."""

import struct

import numpy as np

_AT = {
    "protocol": 76,
    "adc": 92,
    "dac": 108,
    "epochs": 156,
    "user lists": 172,
    "strings": 220,
    "data": 236,
    "synch": 316,
}


def write(
    path,
    data,
    adc=(("mV", None),),
    dac=(("pA", 0.0),),
    epochs=(),
    user_list=None,
    *,
    source=1,
    keep_last=0,
    interval=50.0,
    creator=10,
    operation=5,
    stimulus="",
    lengths=None,
    conditioned=0,
):
    """Write data (channels, sweeps, samples) of whole numbers; adc (unit, telegraphed mode); dac (unit, holding).

    Epochs are (dac, number, shape, level, level step, duration, duration step, period, width); the user list is
    (dac, parameter, repeat, text).
    """
    data = np.asarray(data, np.int16)
    channels, sweeps, samples = data.shape
    strings = ["Clampex", "IN", "Cmd", stimulus or "none"]

    def index(text):
        if not text:
            return 0
        strings.append(text)
        return len(strings)

    protocol = bytearray(512)
    struct.pack_into("<hf", protocol, 0, operation, interval)
    struct.pack_into("<ffii", protocol, 110, 32768.0, 10.0, 32768, 32768)
    adcs = bytearray()
    for number, (unit, telegraph) in enumerate(adc):
        entry = bytearray(128)
        struct.pack_into("<hhhf", entry, 0, number, telegraph is not None, 24, 1.0)
        struct.pack_into("<h", entry, 18, telegraph or 0)
        struct.pack_into("<f", entry, 28, 1.0)
        struct.pack_into("<ffff", entry, 40, 1.0, 0.0, 1.0, 0.0)
        struct.pack_into("<ii", entry, 74, 2, index(unit))
        adcs += entry
    dacs = bytearray()
    for number, (unit, holding) in enumerate(dac):
        entry = bytearray(256)
        struct.pack_into("<h", entry, 0, number)
        struct.pack_into("<f", entry, 12, holding)
        struct.pack_into("<ii", entry, 24, 3, index(unit))
        plays = source != 0 and number in {epoch[0] for epoch in epochs}
        struct.pack_into("<hhh", entry, 40, plays or source == 2, source, keep_last)
        struct.pack_into("<h", entry, 60, conditioned)
        struct.pack_into("<i", entry, 118, 4 if stimulus else 0)
        dacs += entry
    table = bytearray()
    for owner, number, shape, *numbers in epochs:
        table += struct.pack("<hhhffiiii", number, owner, shape, *numbers).ljust(48, b"\0")
    lists = bytearray()
    if user_list is not None:
        owner, parameter, repeat, text = user_list
        lists += struct.pack("<hhhhi", owner, 1, parameter, repeat, index(text)).ljust(64, b"\0")
    starts = np.arange(sweeps) * samples
    lengths = [samples * channels] * sweeps if lengths is None else lengths
    synch = b"".join(struct.pack("<ii", start, length) for start, length in zip(starts, lengths, strict=True))
    text = b"SSCH".ljust(44, b"\0") + b"\0".join(string.encode("latin-1") for string in strings) + b"\0"
    raw = np.moveaxis(data, 0, 2).tobytes()
    sections = {
        "protocol": (protocol, 512, 1),
        "adc": (adcs, 128, channels),
        "dac": (dacs, 256, len(dac)),
        "epochs": (table, 48, len(epochs)),
        "user lists": (lists, 64, len(lists) // 64),
        "strings": (text, len(text), 1),
        "data": (raw, 2, data.size),
        "synch": (synch, 8, sweeps),
    }
    header = bytearray(512)
    struct.pack_into("<4s4BII", header, 0, b"ABF2", 0, 0, 6, 2, 512, sweeps)
    struct.pack_into("<I", header, 16, 20200101)
    struct.pack_into("<4B", header, 56, 0, 0, 0, creator)
    struct.pack_into("<I", header, 60, 1)
    body = bytearray()
    for name, (content, size, count) in sections.items():
        if count:
            struct.pack_into("<IIq", header, _AT[name], 1 + len(body) // 512, size, count)
            body += bytes(content).ljust(-(-len(content) // 512) * 512, b"\0")
    path.write_bytes(bytes(header + body))
    return path
