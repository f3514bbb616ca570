# One image for every process; the command chooses which. `compose.yaml` shows the five.
# Written without a Docker engine at hand: not built yet. Build it once before you rely on it.
FROM python:3.13-slim AS build
WORKDIR /app
COPY requirements.lock ./
# One lock for everything: the tools of development come along.
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home connector
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 LOG_FORMAT=json
USER 10001
# Also: python -m webhook_ingress · python -m jobs.relay · python -m jobs.worker fast · python -m connector migrate
CMD ["python", "-m", "connector"]
