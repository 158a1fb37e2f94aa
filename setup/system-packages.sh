#!/bin/sh
# Install the Debian packages that Leadtime needs, where this user may; else print the one line to run.
# Usage: system-packages.sh run|test
set -eu

missing=""
need() { # need PACKAGE TEST...: the package is missing unless the test command succeeds
  package=$1; shift
  "$@" >/dev/null 2>&1 || missing="$missing $package"
}

need bubblewrap command -v bwrap
need gcc command -v gcc
need g++ command -v g++
need gdb command -v gdb
need make command -v make
need util-linux command -v setpriv
need python3-venv sh -c 'for p in /usr/bin/python3 python3; do $p -c "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))" && exit 0; done; exit 1'
need python3-dev sh -c '/usr/bin/python3 -c "import os, sysconfig, sys; sys.exit(not os.path.exists(sysconfig.get_path(\"include\") + \"/Python.h\"))"'
need libseccomp2 sh -c 'ls /usr/lib/*/libseccomp.so.2 || ls /lib/*/libseccomp.so.2'
if [ "$1" = test ]; then
  need chromium command -v chromium
  need nodejs command -v node
  need npm command -v npm
  need zlib1g-dev test -e /usr/include/zlib.h
  need libjpeg-dev test -e /usr/include/jpeglib.h
  need golang-go command -v go
  need golang-golang-x-mod-dev test -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog
fi

[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing system packages:$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
elif [ "$1" = test ]; then
  echo "Some tests will be skipped; for all of them run:  sudo apt-get install -y$missing"
else
  echo "Leadtime needs these system packages. Run this line, then make again:"
  echo "  sudo apt-get install -y$missing"
  exit 2
fi
