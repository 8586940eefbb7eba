# An image of one service: docker build --build-arg SERVICE=gateway -t bellboard-gateway .
#
# BASE holds Python 3.11 or newer with venv, and is where the service runs: a Debian of one's own will do.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS wheels
# All that is pinned, each package checked by its hash. Every service shares this layer; what none of it needs is left behind.
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/image.txt requirements/
RUN python3 -m venv /build \
 && /build/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements/build.txt \
 && /build/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements/image.txt \
 && /build/bin/pip wheel --quiet --no-cache-dir --require-hashes --no-deps --no-build-isolation -r requirements/run.txt -w /wheels

FROM wheels AS build
ARG SERVICE
COPY kit kit
COPY services/${SERVICE} service
# No index from here on: pip chooses what the service needs among the wheels that were checked, and can't reach any other.
RUN /build/bin/pip wheel --quiet --no-index --no-deps --no-build-isolation ./kit ./service -w /own \
 && python3 -m venv --without-pip /opt/bellboard \
 && /build/bin/pip --python /opt/bellboard/bin/python install --quiet --no-index --find-links /wheels --find-links /own /own/bellboard_*.whl \
 && /build/bin/cyclonedx-py environment --output-reproducible --output-file /opt/bellboard/sbom.cdx.json /opt/bellboard/bin/python \
 && printf '#!/bin/sh\nexec /opt/bellboard/bin/python -m %s "$@"\n' "$(cd service && echo bellboard_*)" > /opt/bellboard/bin/service \
 && chmod 755 /opt/bellboard/bin/service \
 && install -d -m 700 -o 65532 -g 65532 /data

FROM ${BASE}
ARG SERVICE
LABEL org.opencontainers.image.title="bellboard-${SERVICE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      bellboard.sbom="/opt/bellboard/sbom.cdx.json"
COPY --from=build /opt/bellboard /opt/bellboard
COPY --from=build --chown=65532:65532 /data /var/lib/bellboard
ENV PATH=/opt/bellboard/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /var/lib/bellboard
ENTRYPOINT ["/opt/bellboard/bin/service"]
