# The image of Model DB: the static binary, the certificates of public
# authorities, and nothing else. Any builder can build it; no BuildKit needed.
FROM golang:1.26 AS build
WORKDIR /src

# The modules are a layer of their own, which stays until go.mod changes.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
ARG VERSION=0.1.0
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" \
      -o /out/modeldb ./cmd/modeldb \
 && mkdir /out/data

FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Model DB" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"

COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/modeldb /modeldb
COPY LICENSE /LICENSE
COPY --from=build --chown=65532:65532 /out/data /data

# Inside a container 0.0.0.0 reaches as far as its published ports; there is no
# access control yet, so publish them on addresses that only users reach.
ENV HOST=0.0.0.0 \
    PORT=8000 \
    MODELDB_ALLOW_OPEN=true \
    MODELDB_DATA=/data

USER 65532:65532
# SQLite's temporary files go here when there is no /tmp.
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["/modeldb", "healthy"]
ENTRYPOINT ["/modeldb"]
