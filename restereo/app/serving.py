"""The page served to this computer only, for as long as the command runs."""

import importlib.util
import os
import tempfile
from pathlib import Path

from restereo.errors import UserError
from restereo.inference.engine import Restorer

MAX_BYTES = 200_000_000
"""Larger files are not taken."""
HOST = "127.0.0.1"


def serve(restorer: Restorer, port: int, browser: bool = True) -> None:
    """Serves the page until it is interrupted; all that was uploaded and made is deleted then at the latest.

    Args:
        restorer: The network.
        port: On which port of this computer.
        browser: Whether to open it in the browser.

    Raises:
        UserError: Gradio is not installed, or the port is taken.
    """
    if importlib.util.find_spec("gradio") is None:
        raise UserError("the page needs gradio; install it with: pip install 'restereo[app]'.")
    with tempfile.TemporaryDirectory(prefix="restereo-app-") as name:
        folder = Path(name).resolve()
        # Read when gradio is imported: where it keeps files, and to call nobody.
        os.environ.update(GRADIO_TEMP_DIR=str(folder), GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1")
        from gradio import themes

        from restereo.app.page import build
        from restereo.app.sessions import Sessions

        page = build(restorer, Sessions(folder))
        try:
            page.launch(
                server_name=HOST,
                server_port=port,
                inbrowser=browser,
                share=False,
                max_file_size=MAX_BYTES,
                run_history=False,
                footer_links=[],
                enable_monitoring=False,
                ssr_mode=False,
                theme=themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
            )
        except OSError as error:
            raise UserError(f"port {port} of this computer cannot be used ({error}); name another --port.") from None
