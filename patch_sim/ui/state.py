"""All that is set up on a page: cell, protocol and electrode.

The browser holds it, with its history; the server is told it with every request and keeps nothing of it. So it fits
into a link, undo is the browser's alone, and two pages cannot mix.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from patch_sim.protocols import AbstractProtocol
from patch_sim.ui import pipette
from patch_sim.ui.cell import Cell, title
from patch_sim.ui.protocol import FAMILIES, Protocol
from patch_sim.ui.written import Writer


@dataclasses.dataclass(frozen=True)
class State:
    """What a run would use.

    Attributes:
        cell: the cell.
        protocol: the protocol.
        electrode: the numbers of the electrode that differ from an ideal one.
    """

    cell: Cell
    protocol: Protocol
    electrode: Mapping[str, float | int] = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, data: Any) -> "State":
        """Check what the browser, a link or a file says.

        Raises:
            ValueError: something is missing or wrong; the message says what.
        """
        if not isinstance(data, Mapping) or not {"cell", "protocol"} <= set(data) <= {"cell", "protocol", "electrode"}:
            raise ValueError("this describes no rig: it wants a cell and a protocol.")
        electrode = data.get("electrode", {})
        pipette.electrode(electrode)  # raises
        return cls(Cell.parse(data["cell"]), Protocol.parse(data["protocol"]), dict(electrode))

    @classmethod
    def of(cls, preset: str) -> "State":
        """A preset with a family of steps that suits it."""
        return cls(Cell(preset), Protocol("steps", FAMILIES[preset]))

    @property
    def title(self) -> str:
        """Whose sweeps these are, for people."""
        return title(self.cell.base)

    def built(self) -> AbstractProtocol:
        """The protocol with its electrode.

        Raises:
            ValueError: numbers that do not go together.
        """
        return self.protocol.build(self.cell.neuron(), pipette.electrode(self.electrode))

    def view(self) -> dict[str, Any]:
        """As JSON, as `parse` takes it."""
        return dataclasses.asdict(self)

    def code(self) -> str:
        """A program that runs it."""
        lines = [
            "import dataclasses" if self.protocol.mode is None else "",
            "import jax",
            "",
            'jax.config.update("jax_enable_x64", True)',
            "import patch_sim as ps",
            "",
            self.cell.code(),
            f"electrode = {pipette.electrode(self.electrode, Writer())}",
            self.protocol.code(),
            f"rec = ps.simulate(cell, protocol{', key=jax.random.key(0)' if self.electrode.get('noise') else ''})",
            "rec.plot()",
        ]
        return "\n".join(lines).lstrip("\n") + "\n"
