"""How much memory there is."""

import math
import os


def physical_memory() -> float:
    """Of this machine, bytes; without end where the operating system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return math.inf
