"""How the page looks, and how little of gradio around it."""

from typing import Any

import gradio as gr

from patch_sim.ui.panel import asset

LARGEST_FILE = 200
"""The largest recording that may be opened, MB."""


def launch_options() -> dict[str, Any]:
    """What `page(...).launch` wants to be told beside host and port."""
    return {
        "theme": _theme(),
        "css": asset("page.css"),
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "max_file_size": f"{LARGEST_FILE}mb",
    }


def _theme() -> gr.themes.Base:
    """Gradio's plainest theme in the colors of `page.css`, with fonts that gradio itself serves."""
    theme = gr.themes.Base(
        primary_hue="teal",
        neutral_hue="slate",
        radius_size="sm",
        spacing_size="sm",
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
    )
    colors = {
        "body_background_fill": "var(--rig-page)",
        "body_text_color": "var(--rig-text)",
        "body_text_color_subdued": "var(--rig-faint)",
        "block_label_text_color": "var(--rig-faint)",
        "block_info_text_color": "var(--rig-faint)",
        "input_background_fill": "var(--rig-field)",
        "input_background_fill_focus": "var(--rig-field)",
        "input_border_color": "var(--rig-edge)",
        "input_border_color_focus": "var(--rig-accent)",
        "button_primary_background_fill": "var(--rig-button)",
        "button_primary_background_fill_hover": "var(--rig-button-hover)",
        "button_primary_text_color": "#ffffff",
        "button_secondary_background_fill": "var(--rig-panel)",
        "button_secondary_background_fill_hover": "var(--rig-field)",
        "button_secondary_border_color": "var(--rig-edge)",
        "button_secondary_text_color": "var(--rig-text)",
    }
    both = colors | {f"{name}_dark": color for name, color in colors.items()}
    return theme.set(input_border_width="1px", button_border_width="1px", **both)
