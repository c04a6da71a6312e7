"""The studio as a web page: ``python app.py``. Also the entry of a Hugging Face Space."""

from orfeas.server import serve

if __name__ == "__main__":
    serve()
