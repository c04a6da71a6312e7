"""The studio as a web page: ``python app.py``. Also the entry of a Hugging Face Space."""

from orfeas.settings import require_settings

if __name__ == "__main__":
    settings = require_settings()
    # Not before: Gradio itself reads some of the same names, at import, and ends in a traceback where one is wrong.
    from orfeas.server import serve

    serve(settings)
