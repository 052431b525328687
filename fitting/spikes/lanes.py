"""Recordings that differ in numbers alone, simulated side by side by one program."""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import patch_sim as ps
from fitting.setup import Setup
from fitting.spikes.events import EventTerm, families
from fitting.spikes.targets import padded


class Lanes(eqx.Module):
    """The sweeps of some recordings.

    Attributes:
        term: all of them, those that were recorded before those that nobody did.
        owners: of which of the recordings each sweep is.
        recordings: their numbers.
    """

    term: EventTerm
    owners: Int[Array, " sweeps"]
    recordings: tuple[int, ...] = eqx.field(static=True)

    def residual(self, setup: Setup, sweep: Int[Array, ""], solver: ps.Solver, most: Any) -> Float[Array, " residuals"]:
        """The residuals of one sweep, in units of the tolerances, each at most `most`."""
        return self.term.rows(sweep[None]).residual(*self._rig(setup, sweep), solver, most)

    def _rig(self, setup: Setup, sweep: Int[Array, ""]) -> tuple[ps.Neuron, ps.Electrode]:
        rigs, owner = setup.rigs, self.owners[sweep]

        def own(parts: Sequence[Any]) -> Any:
            first, *others = parts
            if all(part is first for part in others):
                return first
            return jax.tree.map(lambda *x: jnp.stack([jnp.asarray(number) for number in x])[owner], *parts)

        neurons, electrodes = zip(*(rigs[k] for k in self.recordings), strict=True)
        return own(neurons), own(electrodes)


def joined(terms: Sequence[EventTerm], setup: Setup) -> tuple[Lanes, ...]:
    """The sweeps of all recordings, in as few programs as can be: a program takes a while to compile."""
    alike: dict[Hashable, list[int]] = {}
    for k, (term, electrode) in enumerate(zip(terms, setup.electrodes, strict=True)):
        alike.setdefault(_kind(term, electrode), []).append(k)
    return tuple(_join([terms[k] for k in numbers], tuple(numbers)) for numbers in alike.values())


def _kind(term: EventTerm, electrode: ps.Electrode) -> Hashable:
    """What terms and electrodes must have in common to be one program."""

    def of(clamp: Any) -> Hashable:
        if clamp is None:
            return None
        return float(clamp.dt), float(clamp.duration), clamp.stimulus.dt, clamp.stimulus.values.shape[1]

    clamps = of(term.protocol), of(term.prelude)
    return term.loss, term.window, term.begin, clamps, jax.tree.structure(electrode)


def _join(terms: Sequence[EventTerm], recordings: tuple[int, ...]) -> Lanes:
    spikes = max(term.targets.times.shape[1] for term in terms)
    wide = [dataclasses.replace(term, targets=padded(term.targets, spikes)) for term in terms]
    columns = zip(*(families(term) for term in wide), strict=True)
    whole = eqx.tree_at(families, wide[0], [jnp.concatenate(column) for column in columns])
    whole = dataclasses.replace(whole, protocol=_with_edges(whole.protocol), prelude=_with_edges(whole.prelude))
    owners = np.repeat(np.arange(len(terms)), [term.sweeps for term in terms])
    was_recorded = np.concatenate([np.arange(term.sweeps) < term.recorded for term in terms])
    order = np.argsort(~was_recorded, kind="stable")
    whole = dataclasses.replace(whole.rows(order), recorded=int(was_recorded.sum()))
    return Lanes(whole, jnp.asarray(owners[order]), recordings)


def _with_edges(clamp: Any) -> Any:
    """The same clamp, with the edges of all of its sweeps."""
    if clamp is None:
        return None
    return dataclasses.replace(clamp, stimulus=ps.Samples(clamp.stimulus.values, clamp.stimulus.dt))
