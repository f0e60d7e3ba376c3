#!/usr/bin/env bash
# Run a command in network and mount namespaces of its own: `tests/namespace.sh pytest`.
#
# WebRTC gathers candidates on every interface it sees, so tests with media must see
# none of the machine's. Inside are `lo` and a veth pair with addresses and a default
# route: with `lo` alone Chromium and aioice gather no candidate. Where namespaces are
# refused the command runs as it is and SOUK_NAMESPACE is 0: media tests then say why
# they did not run.
set -eu
if [ "${SOUK_NAMESPACE:-}" = inside ]; then
    ip link set lo up
    ip link add souk0 type veth peer name souk1
    ip addr add 10.77.0.1/24 dev souk0
    ip link set souk0 up
    ip link set souk1 up
    ip route add default via 10.77.0.2 dev souk0
    export SOUK_NAMESPACE=1
    exec "$@"
fi
flags=(--net --mount)
[ "$(id -u)" = 0 ] || flags+=(--user --map-current-user --keep-caps)
if command -v ip >/dev/null && unshare "${flags[@]}" true 2>/dev/null; then
    SOUK_NAMESPACE=inside exec unshare "${flags[@]}" "$0" "$@"
fi
echo "tests: namespaces are refused here (or iproute2 is missing);" \
    "tests with media will not run" >&2
SOUK_NAMESPACE=0 exec "$@"
