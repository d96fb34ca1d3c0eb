// What ESP costs per packet, beside the bare cryptography that it cannot do without.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

#include "impl/esp/security_association.h"

namespace {

using namespace gatelab;

constexpr std::size_t kInner = 1400;

esp::Suite suite_of(const benchmark::State& state) {
    if (state.range(0) == 0) return {esp::Cipher::AesGcm16, 256, esp::Integrity::None, false};
    return {esp::Cipher::AesCbc, 256, esp::Integrity::HmacSha256_128, false};
}

esp::Parameters parameters_of(const esp::Suite& suite) {
    const auto everywhere = esp::TrafficSelectors{esp::TrafficSelector{}};
    return {esp::Spi{0x1234abcd},
            suite,
            Bytes(esp::encryption_key_size(suite), 0x11),
            Bytes(esp::integrity_key_size(suite), 0x22),
            everywhere,
            everywhere};
}

Bytes inner_packet() {
    ByteWriter writer;
    writer.u8(0x45).u8(0).u16(kInner).u32(0).u8(64).u8(17).u16(0).u32(0x0a3c0007).u32(0x0a010203).zeros(kInner - 20);
    return writer.take();
}

void label(benchmark::State& state) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(kInner));
    state.SetLabel(to_string(suite_of(state)));
}

void seal(benchmark::State& state) {
    esp::OutboundSa sa{parameters_of(suite_of(state))};
    const auto inner = inner_packet();
    Bytes out(sa.sealed_size(inner.size()));
    for (auto _ : state) {
        if (!sa.seal(inner, out)) std::abort();
        benchmark::DoNotOptimize(out.data());
    }
    label(state);
}
BENCHMARK(seal)->Arg(0)->Arg(1);

void seal_then_open(benchmark::State& state) {
    esp::OutboundSa out{parameters_of(suite_of(state))};
    esp::InboundSa in{parameters_of(suite_of(state))};
    const auto inner = inner_packet();
    Bytes packet(out.sealed_size(inner.size())), text(packet.size());
    for (auto _ : state) {
        const auto size = out.seal(inner, packet);
        if (!in.open(ByteView{packet}.first(*size), text)) std::abort();
        benchmark::DoNotOptimize(text.data());
    }
    label(state);
}
BENCHMARK(seal_then_open)->Arg(0)->Arg(1);

struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

// A new IV, eight octets of associated data, the payload in place and the tag: all that RFC 4106 needs, and no ESP.
void bare_gcm(benchmark::State& state) {
    const Cipher context{EVP_CIPHER_CTX_new()};
    const Bytes key(32, 0x11);
    Bytes iv(12), associated(8), text(kInner + 4), tag(16);
    EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nullptr);
    for (auto _ : state) {
        int written = 0;
        ++iv[11];
        EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, iv.data());
        EVP_EncryptUpdate(context.get(), nullptr, &written, associated.data(), 8);
        EVP_EncryptUpdate(context.get(), text.data(), &written, text.data(), static_cast<int>(text.size()));
        EVP_EncryptFinal_ex(context.get(), tag.data(), &written);
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, tag.data());
        benchmark::DoNotOptimize(tag.data());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(kInner));
}
BENCHMARK(bare_gcm);

// AES-256-CBC and then EVP's HMAC-SHA-256, both contexts kept.
void bare_cbc_hmac(benchmark::State& state) {
    const Cipher context{EVP_CIPHER_CTX_new()};
    const Bytes key(32, 0x11);
    Bytes iv(16), text(1408), tag(32);
    EVP_EncryptInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, key.data(), nullptr);
    EVP_CIPHER_CTX_set_padding(context.get(), 0);
    EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX* mac = EVP_MAC_CTX_new(hmac);
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0), OSSL_PARAM_construct_end()};
    EVP_MAC_init(mac, key.data(), key.size(), parameters);
    for (auto _ : state) {
        int written = 0;
        std::size_t size = 0;
        ++iv[15];
        EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, iv.data());
        EVP_EncryptUpdate(context.get(), text.data(), &written, text.data(), static_cast<int>(text.size()));
        EVP_MAC_init(mac, nullptr, 0, nullptr);
        EVP_MAC_update(mac, text.data(), text.size());
        EVP_MAC_final(mac, tag.data(), &size, tag.size());
        benchmark::DoNotOptimize(tag.data());
    }
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(hmac);
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(kInner));
}
BENCHMARK(bare_cbc_hmac);

}  // namespace

BENCHMARK_MAIN();
