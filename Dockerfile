# The emulator as one static program in an otherwise empty image.
#
#   docker build --tag modelarts-emulator .
#   docker run --rm --publish 127.0.0.1:8780:8780 modelarts-emulator
FROM rust:1-alpine AS build
# A C compiler for SQLite and the TLS library; this image links everything statically.
# hadolint ignore=DL3018
RUN apk add --no-cache build-base cmake perl
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package modelarts-cli \
    && mkdir -p /image/data /image/tmp \
    && mv target/release/modelarts /image/

FROM scratch
COPY --from=build --chown=65532:65532 /image /
# A number, so that a cluster can see that it is not root.
USER 65532:65532
# Where `--data /data/state.db` keeps the state, if a volume is mounted there.
VOLUME /data
ENV HOME=/data
EXPOSE 8780
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/modelarts", "emulator", "healthcheck"]
ENTRYPOINT ["/modelarts"]
# The container's network is for the one who runs it to open: `--publish` above does so for this machine alone.
CMD ["emulator", "--host", "0.0.0.0", "--allow-remote", "--host-name", "modelarts", "--log", "json"]
