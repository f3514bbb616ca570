#!/usr/bin/env bash
# Builds .venv from requirements.lock, every file checked against its hash, and installs the checkout into it.
# Does nothing when neither the lock, pyproject.toml nor the checkout's place has changed since.
# Needs Python >= 3.11 with venv, and a package index; PY=… chooses the Python. Uses uv when it is there and works.
set -eu -o pipefail
cd "$(dirname "$0")/.."

sentence() { printf '%s\n' "$*" >&2; exit 1; }

version() { "$1" -c 'import sys; print(*sys.version_info[:2], sep=".")' 2>/dev/null; }

stamp=.venv/setup-stamp
wanted=$({ pwd -P; cat requirements.lock pyproject.toml stack/setup.sh; } | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -x .venv/bin/python ]; then
  [ -z "${PY:-}" ] || [ "$(version "$PY")" = "$(version .venv/bin/python)" ] && exit 0
fi

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
if [ -n "${PY:-}" ]; then
  "$PY" -c "$new_enough" 2>/dev/null || sentence "PY=$PY is no Python 3.11 or newer."
  python=$PY
else
  for python in python3 python3.14 python3.13 python3.12 python3.11 ''; do
    [ -n "$python" ] || sentence 'No Python 3.11 or newer found: install one, or name it: PY=/path/to/python3.11 make …'
    "$python" -c "$new_enough" 2>/dev/null && break
  done
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  sentence "$python has no venv: install it (Debian, Ubuntu: apt install python3-venv), or choose another with PY=…"

printf 'Building .venv with Python %s …\n' "$(version "$python")"
rm -f "$stamp"
# An environment knows its own place: one that came from elsewhere, or is of another Python, is made anew.
if ! grep -q -F "$(pwd -P)/.venv" .venv/pyvenv.cfg 2>/dev/null || [ "$(version .venv/bin/python)" != "$(version "$python")" ]; then
  "$python" -m venv --clear .venv
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet --no-input "$@"; }
if command -v uv >/dev/null && uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock; then
  :
else
  pip install --require-hashes -r requirements.lock
fi
pip install --no-deps --no-build-isolation --editable .
printf '%s' "$wanted" >"$stamp"
