"""patch_sim at 1e-12, by two methods."""

import diffrax
from contender import Works, serve
from contenders.rig import sweep

from patch_sim import Adaptive

TOLERANCE = 1e-12


def prepare(rest: float) -> Works:
    del rest  # the rig finds it by itself
    methods = {"Tsit5": diffrax.Tsit5(), "Dopri8": diffrax.Dopri8()}
    return {
        name: lambda method=method: sweep(solver=Adaptive(TOLERANCE, TOLERANCE, method))
        for name, method in methods.items()
    }


if __name__ == "__main__":
    serve(prepare)
