# The same steps as `make run` on a laptop, in two stages: the first installs, the second only runs.

FROM python:3.13-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/ordergraph
COPY Makefile pyproject.toml requirements.in requirements.lock README.md LICENSE ./
COPY app app
COPY schema schema
COPY resolvers resolvers
COPY domain domain
COPY migrations migrations
RUN make .venv/.runtime

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/ordergraph ordergraph
# At the same path as in the first stage: a virtual environment knows where it stands.
COPY --from=build /srv/ordergraph /srv/ordergraph
USER ordergraph
WORKDIR /srv/ordergraph
ENV PATH=/srv/ordergraph/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    ORDERGRAPH_HOME=/var/lib/ordergraph
VOLUME /var/lib/ordergraph
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/readyz\", timeout=2)"]
ENTRYPOINT ["ordergraph"]
CMD ["serve"]
