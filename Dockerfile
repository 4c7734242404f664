# The explorer with the shipped model and clips; see "Deployment" in README.md.
#
#   docker build -t l2i --build-arg TORCH_INDEX=<the index of CPU wheels that PyTorch's site names> .
#   docker run -p 8501:8501 -v l2i-home:/home/l2i/.l2i -e L2I_SHARED=1 l2i
#
# Without TORCH_INDEX, pip's default index gives torch for CUDA: it works on a CPU, at several GB more.

FROM python:3.12-slim

ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1

RUN useradd --create-home --uid 1000 l2i && mkdir -p /app /home/l2i/.l2i \
    && chown l2i:l2i /home/l2i/.l2i
WORKDIR /app

COPY requirements.txt ./
RUN if [ -n "$TORCH_INDEX" ]; then \
        grep -E '^(torch|torchaudio)==' requirements.txt > torch.txt \
        && pip install --index-url "$TORCH_INDEX" -r torch.txt && rm torch.txt; \
    fi \
    && pip install -r requirements.txt

COPY .streamlit .streamlit
COPY l2i_core l2i_core
COPY pages pages
COPY pipelines pipelines
COPY configs configs
COPY assets assets
COPY app.py LICENSE README.md ./

USER l2i
VOLUME /home/l2i/.l2i
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]

CMD ["python", "-m", "streamlit", "run", "app.py", "--server.port=8501", "--server.address=0.0.0.0", "--server.headless=true"]
