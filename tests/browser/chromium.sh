#!/bin/sh
# Make sure there is a Chromium for the browser tests: take what is here, install it from the
# system's packages where that is possible, else say exactly what to install and fail.
set -eu

for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ -d "/Applications/Google Chrome.app" ] || [ -d "/Applications/Chromium.app" ]; then exit 0; fi

if command -v apt-get >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ]; then as_root=""
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo"
  else
    echo "The browser tests need Chromium. Install it with: sudo apt-get install chromium" >&2
    exit 1
  fi
  echo "Installing Chromium for the browser tests ..."
  $as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq chromium >/dev/null
  exit 0
fi

echo "The browser tests need Chromium. Install it (macOS: brew install --cask chromium)" >&2
exit 1
