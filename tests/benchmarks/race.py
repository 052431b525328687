"""A race: every work of every contender in turn, for many rounds, so that a machine's moods hit all alike."""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from contender import Contender, Failed

ROUNDS = 40
SECONDS_PER_TURN = 0.03
CALLS_PER_TURN = 3, 20
"""At least and at most."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of one work.

    Attributes:
        seconds: the median of each round's calls.
        first: seconds for building, compiling and the first call.
        value: what the first call returned.
    """

    seconds: np.ndarray
    first: float
    value: np.ndarray

    def ratio(self, other: "Result") -> np.ndarray:
        """How many times as long as another work it took: lower quartile, median, upper quartile over the rounds."""
        return np.percentile(self.seconds / other.seconds, [25, 50, 75])


def race(modules: Mapping[str, str], rest: float) -> tuple[dict[tuple[str, str], Result], dict[str, str]]:
    """Let contenders race.

    Args:
        modules: the module of each contender, by the contender's name.
        rest: the potential (mV) at which every sweep starts.

    Returns:
        The results by contender and work, and why contenders are missing.
    """
    started, built, missing = {}, {}, {}
    for name, module in modules.items():
        try:
            started[name] = Contender(module, rest)
            built |= {(name, work): started[name].build(work) for work in started[name].works()}
        except Failed as failure:
            del started[name]
            missing[name] = str(failure)
    rounds = [dict(_turns(started, built)) for _ in range(ROUNDS)]
    for contender in started.values():
        contender.end()
    seconds = {key: np.array([turn[key] for turn in rounds]) for key in built}
    return {key: Result(seconds[key], *first) for key, first in built.items()}, missing


def _turns(started: Mapping[str, Contender], built: Mapping[tuple[str, str], object]) -> Iterator[tuple]:
    """One round: the median time of each work."""
    for name, work in built:
        seconds = started[name].time(work, 2)[1]  # the first call finds the caches cold
        calls = int(np.clip(SECONDS_PER_TURN / seconds, *CALLS_PER_TURN))
        yield (name, work), np.median(started[name].time(work, calls))


def once(module: str, rest: float) -> dict[str, np.ndarray]:
    """What the first call of each work of a module returns."""
    contender = Contender(module, rest)
    values = {work: contender.build(work)[1] for work in contender.works()}
    contender.end()
    return values
