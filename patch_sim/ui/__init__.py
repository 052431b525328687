"""The rig in the browser, in pieces that `app.py` composes."""
