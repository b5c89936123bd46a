# docker build -t isco-rag . && docker run --rm -v "$PWD:/work" isco-rag code jobs.csv -o coded.csv
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY isco_rag isco_rag
COPY index index
COPY eval eval
COPY data data
RUN pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.11-slim
RUN --mount=from=build,source=/wheels,target=/wheels pip install --no-cache-dir --no-index --find-links /wheels isco-rag \
    && useradd --create-home coder
USER coder
WORKDIR /work
ENTRYPOINT ["isco-rag"]
CMD ["--help"]
