"""Channels: one family of currents per file; each class says where its equations come from."""

from patch_sim.channels.a_type import KA as KA, KAConnorStevens as KAConnorStevens, KAHay as KAHay
from patch_sim.channels.base import (
    AbstractChannel as AbstractChannel,
    AbstractGHKChannel as AbstractGHKChannel,
    AbstractOhmicChannel as AbstractOhmicChannel,
    Channel as Channel,
)
from patch_sim.channels.calcium_activated import KCa as KCa, KCaAHP as KCaAHP, KCaBK as KCaBK
from patch_sim.channels.hyperpolarization import Ih as Ih, IhHuguenard as IhHuguenard
from patch_sim.channels.inward_rectifier import Kir as Kir
from patch_sim.channels.l_type import CaL as CaL
from patch_sim.channels.leak import Leak as Leak
from patch_sim.channels.m_type import M as M, MAdams as MAdams
from patch_sim.channels.markov import AbstractMarkovChannel as AbstractMarkovChannel
from patch_sim.channels.n_type import CaN as CaN, CaNMigliore as CaNMigliore
from patch_sim.channels.p_type import CaP as CaP
from patch_sim.channels.persistent_sodium import NaP as NaP
from patch_sim.channels.potassium import (
    K as K,
    KFastHay as KFastHay,
    KSlowHay as KSlowHay,
    KTraubMiles as KTraubMiles,
)
from patch_sim.channels.resurgent_sodium import NaR as NaR
from patch_sim.channels.sodium import Na as Na, NaHay as NaHay, NaTraubMiles as NaTraubMiles
from patch_sim.channels.t_type import (
    CaT as CaT,
    CaTDestexhe as CaTDestexhe,
    CaTHay as CaTHay,
    CaTHuguenardPrince as CaTHuguenardPrince,
)

CATALOG: dict[str, type[AbstractChannel]] = {
    channel.__name__: channel
    for channel in (
        *(Na, NaTraubMiles, NaHay, NaP, NaR),
        *(K, KTraubMiles, KFastHay, KSlowHay, KA, KAConnorStevens, KAHay, M, MAdams, Kir, KCa, KCaBK, KCaAHP),
        *(Ih, IhHuguenard),
        *(CaL, CaT, CaTDestexhe, CaTHuguenardPrince, CaTHay, CaN, CaNMigliore, CaP),
        Leak,
    )
}
"""Every channel of the package, by name."""
