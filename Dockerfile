# docker build -t isco-rag .
# docker run --rm -p 127.0.0.1:8008:8008 -v isco-state:/state isco-rag          the service, after an administrator was added:
# docker run --rm -it -v isco-state:/state isco-rag users add NAME --role administrator
# docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" -w /work isco-rag code jobs.csv -o coded.csv   one file, with the rights of who asks
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY isco_rag isco_rag
COPY index index
COPY api api
COPY eval eval
COPY data data
RUN pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.11-slim
RUN --mount=from=build,source=/wheels,target=/wheels pip install --no-cache-dir --no-index --find-links /wheels isco-rag \
    && useradd --create-home --uid 10001 coder && install -d -o coder -m 700 /state
USER coder
WORKDIR /state
VOLUME /state
ENV ORT_DISABLE_TELEMETRY=1 ISCO_RAG_STATE=/state ISCO_RAG_HOST=0.0.0.0 ISCO_RAG_PORT=8008
EXPOSE 8008
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"ISCO_RAG_PORT\"]}/health/ready', timeout=2)"]
ENTRYPOINT ["isco-rag"]
CMD ["serve"]
