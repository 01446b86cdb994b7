#!/usr/bin/env bash
# Checks of the container that need no container engine: compose.yaml, the
# Dockerfile, what reaches the builder, and the program in a root folder that
# holds what the image holds. At the end it names what stays unchecked.
#
#   HADOLINT  the linter (default: hadolint)
#   PYTHON    Python 3 (default: python3)
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../.."

readonly uid=65532 version=0.0.0-check
python=${PYTHON:-python3} hadolint=${HADOLINT:-hadolint}
work=$(mktemp -d) server='' unchecked=()

finish() {
  if [[ -n $server ]]; then
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

passed() { echo "ok    $*"; }
fail() {
  echo "FAIL  $*" >&2
  if [[ -s $work/log ]]; then
    cat "$work/log" >&2
  fi
  exit 1
}

# skip is for what this machine cannot do; CI has to be able to.
skip() {
  if [[ -n ${CI:-} ]]; then
    fail "$*"
  fi
  unchecked+=("$*")
}

compose_file() {
  go -C test/container test -count=1 -timeout 2m . >"$work/log" 2>&1 || fail "compose.yaml"
  passed "compose.yaml: read by docker compose's own library; password asked for, order, ports, volumes, privileges"
}

dockerfile() {
  if command -v "$hadolint" >/dev/null; then
    "$hadolint" Dockerfile >"$work/log" 2>&1 || fail "hadolint"
    passed "Dockerfile: nothing to say for $("$hadolint" --version)"
  else
    skip "Dockerfile by hadolint: there is none (pip install -r test/container/requirements.txt)"
  fi

  sed -n '/^FROM/h;/^FROM/!H;${x;p}' Dockerfile >"$work/final"
  has() { grep -qxE "$1" "$work/final" || fail "the last stage of the Dockerfile has no line $1"; }
  has 'FROM scratch'
  has "USER $uid:$uid"
  has 'VOLUME /data'
  has 'EXPOSE 8000'
  has 'HEALTHCHECK .*CMD \["/modeldb", "healthy"\]'
  has 'ENTRYPOINT \["/modeldb"\]'
  has "COPY --from=build --chown=$uid:$uid /out/data /data"
  has 'COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/'
  grep -qE '^FROM golang:[0-9.]+ AS build$' Dockerfile || fail "the Dockerfile has no stage that builds"
  ! grep -qE '^ADD' Dockerfile || fail "the Dockerfile has an ADD"
  passed "Dockerfile: two stages, the last from scratch, for user $uid, with /data, certificates and a health check"
}

# context copies what .dockerignore lets through; it knows the lines that are
# there: *, !path, **/pattern.
context() {
  local line
  mkdir "$work/context"
  while read -r line; do
    case $line in
      '' | '#'* | '*') ;;
      '!'*) cp -r --parents "${line#!}" "$work/context" ;;
      '**/'*) find "$work/context" -name "${line#\*\*/}" -prune -exec rm -r {} + ;;
      *) fail ".dockerignore has a line that this check does not understand: $line" ;;
    esac
  done <.dockerignore
  passed ".dockerignore: $(find "$work/context" -type f | wc -l) files reach the builder, $(du -sh "$work/context" | cut -f1)"
}

# program builds as the Dockerfile does, from nothing but the context.
program() {
  local build
  build=$(sed -n '/^RUN CGO_ENABLED/,/-o /{s/^RUN //;s/\\$//;p}' Dockerfile | tr '\n' ' ')
  build=${build//\/out\//$work/root/}
  mkdir -m 755 "$work/root"
  (cd "$work/context" && env VERSION=$version bash -c "$build") >"$work/log" 2>&1 || fail "build: $build"
  if ldd "$work/root/modeldb" >"$work/log" 2>&1; then
    fail "the program is not static"
  fi
  if command -v file >/dev/null; then
    [[ $(file -b "$work/root/modeldb") == *'statically linked'* ]] || fail "the program is not static, says file"
  fi
  [[ $("$work/root/modeldb" version) == "modeldb $version "* ]] || fail "the program does not know its version"
  passed "program: built from the context alone, static, $(du -h "$work/root/modeldb" | cut -f1), knows its version"
}

free_port() {
  "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# in_root becomes the program as the image runs it: alone in its root folder, as
# its user, with the Dockerfile's environment but for the address.
in_root() {
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOST=127.0.0.1 PORT="$port" MODELDB_ALLOW_OPEN=true MODELDB_DATA=/data \
    chroot --userspec=$uid:$uid --groups=$uid "$work/root" /modeldb "$@"
}

start() {
  in_root >"$work/log" 2>&1 &
  server=$!
  local try
  for try in {1..150}; do
    if (in_root healthy) >"$work/healthy" 2>&1; then
      return
    fi
    kill -0 "$server" 2>/dev/null || fail "the server ended"
    sleep 0.1
  done
  fail "the server is not healthy after 15 s: $(<"$work/healthy")"
}

# stop sends what `docker stop` sends, and gives the server its 35 s.
stop() {
  local try code=0
  kill -TERM "$server"
  for try in {1..350}; do
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  if kill -0 "$server" 2>/dev/null; then
    fail "the server runs on, 35 s after SIGTERM"
  fi
  wait "$server" || code=$?
  server=''
  ((code == 0)) || fail "SIGTERM ends the server with $code"
}

# projects asks the records: a path below projects, and a body to post, if any.
projects() {
  "$python" - "http://127.0.0.1:$port/v0.1/api/projects$1" "${2:-}" <<'EOF'
import sys, urllib.request
url, body = sys.argv[1:]
request = urllib.request.Request(url, body.encode() or None, {"Content-Type": "application/json"})
with urllib.request.urlopen(request, timeout=10) as answer:
    print(answer.read().decode())
EOF
}

image() {
  if ((EUID != 0)); then
    skip "the program in the image's root folder: only root may chroot"
    return
  fi
  mkdir -p "$work/root/etc/ssl/certs"
  cp LICENSE "$work/root/"
  touch "$work/root/etc/ssl/certs/ca-certificates.crt"
  mkdir "$work/root/data"
  chown $uid:$uid "$work/root/data"
  find "$work/root" -path "$work/root/data" -prune -o -print | sort >"$work/before"

  port=$(free_port)
  local code=0
  (in_root healthy) >"$work/log" 2>&1 || code=$?
  ((code == 1)) || fail "healthy ends with $code where nothing listens"
  passed "image: healthy ends with 1 where nothing listens"

  start
  grep -qx ready "$work/healthy" || fail "healthy said $(<"$work/healthy")"
  projects '' '{"project_name": "in a container"}' >/dev/null
  passed "image: user $uid, without a shell, /tmp, /dev or /proc, serves; healthy ends with 0"

  stop
  passed "image: SIGTERM ends it with 0"

  start
  [[ $(projects /all) == *'"in a container"'* ]] || fail "the project is gone after a restart"
  stop
  find "$work/root" -path "$work/root/data" -prune -o -print | sort | diff "$work/before" - || fail "files outside /data"
  [[ -z $(find "$work/root/data" ! -uid $uid) ]] || fail "files of another user in /data"
  passed "image: all that it writes is in /data, and there after a restart"
}

compose_file
dockerfile
context
program
image
unchecked+=("docker build, push and compose up, the two base images, PostgreSQL in its container: they need an engine")
printf 'not checked: %s\n' "${unchecked[@]}"
