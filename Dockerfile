# The studio in a container; docs/deploy.md says how to build and run it.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    ORFEAS_HOST=0.0.0.0 \
    ORFEAS_PORT=7860 \
    ORFEAS_DATA_DIR=/data/orfeas \
    HF_HOME=/data/huggingface

WORKDIR /app

# As it is, the image holds CUDA and runs on a processor, too. An index with PyTorch's wheels for processors, given here,
# makes it some gigabytes smaller.
ARG TORCH_INDEX_URL=""
COPY requirements.txt requirements-mcp.txt ./
RUN python -m pip install --no-cache-dir ${TORCH_INDEX_URL:+--extra-index-url "$TORCH_INDEX_URL"} -r requirements-mcp.txt

RUN useradd --uid 1000 --create-home orfeas \
    && install --directory --owner=orfeas --group=orfeas --mode=0700 /data

COPY app.py LICENSE ./
COPY assets assets
COPY orfeas orfeas
RUN python -m compileall -q app.py orfeas

USER 1000
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from os import environ; from urllib.request import urlopen; urlopen(f'http://127.0.0.1:{environ[\"ORFEAS_PORT\"]}/health', timeout=4)"]
CMD ["python", "app.py"]
