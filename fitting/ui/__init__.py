"""The fit in the browser: a panel that `app.py` puts on the page of the rig."""

from fitting.ui.panel import fit_panel as fit_panel
