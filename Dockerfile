FROM python:3.11-slim

RUN useradd --system --home-dir /nonexistent portal
WORKDIR /source
COPY requirements/run.txt requirements/
RUN pip install --no-cache-dir --require-hashes --requirement requirements/run.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && rm -rf frontend/node_modules

USER portal
WORKDIR /
EXPOSE 8000
CMD ["portal", "web"]
