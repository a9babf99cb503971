#!/usr/bin/env bash
# Draws the README's pictures with the program itself: a real run over the simulated fleet.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p assets/pictures
for view in chat routes; do
  cargo run --quiet -- --demo shot "$view" --size 120x40 --theme dark -o "assets/pictures/$view.svg"
done
