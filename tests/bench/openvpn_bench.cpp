// What OpenVPN's data channel costs per packet. esp_bench.cpp has the bare cryptography to set beside it.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "impl/openvpn/data_channel.h"

namespace {

using namespace gatelab;

constexpr std::size_t kInner = 1400;
constexpr Instant kNow = instant_from_unix(1'700'000'000);

openvpn::DataParameters parameters_of(const benchmark::State& state, openvpn::Role role) {
    openvpn::DataParameters parameters;
    SeededRandom{1}.fill(parameters.keys.bytes);
    parameters.role = role;
    parameters.cipher = state.range(0) == 0 ? openvpn::DataCipher::Aes256Gcm : openvpn::DataCipher::Aes256Cbc;
    parameters.auth = crypto::Hash::Sha256;
    parameters.peer_id = 1;
    return parameters;
}

void label(benchmark::State& state) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(kInner));
    state.SetLabel(state.range(0) == 0 ? "AES-256-GCM" : "AES-256-CBC with SHA256");
}

void seal(benchmark::State& state) {
    SeededRandom random{2};
    openvpn::DataChannel client{parameters_of(state, openvpn::Role::Client), random};
    const Bytes inner(kInner, 0x45);
    Bytes out(kInner + client.overhead());
    for (auto _ : state) {
        if (!client.seal(inner, out)) std::abort();
        benchmark::DoNotOptimize(out.data());
    }
    label(state);
}
BENCHMARK(seal)->Arg(0)->Arg(1);

void seal_then_open(benchmark::State& state) {
    SeededRandom random{2};
    openvpn::DataChannel client{parameters_of(state, openvpn::Role::Client), random};
    openvpn::DataChannel server{parameters_of(state, openvpn::Role::Server), random};
    const Bytes inner(kInner, 0x45);
    Bytes packet(kInner + client.overhead()), text(packet.size());
    for (auto _ : state) {
        const auto size = client.seal(inner, packet);
        if (!server.open(kNow, ByteView{packet}.first(*size), text)) std::abort();
        benchmark::DoNotOptimize(text.data());
    }
    label(state);
}
BENCHMARK(seal_then_open)->Arg(0)->Arg(1);

}  // namespace

BENCHMARK_MAIN();
