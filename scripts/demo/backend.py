"""One demo backend: llama.cpp's own HTTP server with a 135M model, on loopback.

It shows the path of a request, not the quality of an answer. The server is llama.cpp's C++ server out of the
xllamacpp wheel; Python only starts it and then sleeps, so SIGTERM ends it at once.
"""

import argparse
import signal
import sys


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--lib", required=True, help="folder that holds the package xllamacpp")
    flags.add_argument("--model", required=True, help="GGUF file")
    flags.add_argument("--name", required=True, help="the `model` of every answer")
    flags.add_argument("--port", required=True, type=int)
    args = flags.parse_args()

    sys.path.insert(0, args.lib)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = args.model
    params.model_alias = {args.name}
    params.hostnames = ["127.0.0.1"]
    params.port = args.port
    # One thread each: two of these share a small machine with Envoy and the router. Two slots of 2048 tokens, because a chat
    # window asks for a title while it still shows the answer.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_parallel = 2
    params.n_ctx = 4096
    params.n_batch = 512
    # A 135M model may never stop by itself; without a limit such a request would hold its slot to the end of the context.
    params.n_predict = 256
    params.cache_ram_mib = 0
    params.use_jinja = True
    params.ui = False
    params.endpoint_slots = False

    server = xllamacpp.Server(params)  # returns when the model is loaded, raises when it is not
    print(f"{args.name}: listening on {server.listening_address}", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
