"""The rig in the browser: pieces that `app.py` composes."""

from patch_sim.ui.page import launch_options as launch_options, page as page
