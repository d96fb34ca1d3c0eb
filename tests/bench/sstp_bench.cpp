// What SSTP costs per packet (TLS record, SSTP header, PPP framing), beside OpenSSL's own SSL_write and SSL_read over
// memory buffers with the same suite. sstp_ratio.py compares them.
#include <benchmark/benchmark.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <memory>

#include "tests/impl/sstp/pair.h"

namespace {

using namespace gatelab;
using namespace gatelab::sstp;

constexpr std::size_t kInner = 1400;

struct Suite {
    const char *iana, *openssl, *label;
};
constexpr Suite kSuites[] = {
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "AES-256-GCM"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "AES-128-GCM"},
};
const Suite& suite_of(const benchmark::State& state) { return kSuites[state.range(0)]; }

void require(bool holds) {
    if (!holds) std::abort();
}

void label(benchmark::State& state) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(kInner));
    state.SetLabel(suite_of(state).label);
}

// Both ends of a connection, each reading what the other writes.
class OpenSslPair {
public:
    explicit OpenSslPair(const char* suite) {
        const auto& identity = test::server_identity();
        const auto context = [&] {
            Context made{SSL_CTX_new(TLS_method())};
            SSL_CTX_set_max_proto_version(made.get(), TLS1_2_VERSION);
            require(SSL_CTX_set_cipher_list(made.get(), suite) == 1);
            return made;
        };
        client_context_ = context();
        server_context_ = context();
        use(identity);
        client_.reset(SSL_new(client_context_.get()));
        server_.reset(SSL_new(server_context_.get()));
        auto *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
        BIO_up_ref(up);
        BIO_up_ref(down);
        SSL_set_bio(client_.get(), down, up);
        SSL_set_bio(server_.get(), up, down);
        SSL_set_connect_state(client_.get());
        SSL_set_accept_state(server_.get());
        for (int flight = 0; flight < 4; ++flight) {
            SSL_do_handshake(client_.get());
            SSL_do_handshake(server_.get());
        }
        require(SSL_is_init_finished(client_.get()) == 1 && SSL_is_init_finished(server_.get()) == 1);
    }
    void write(ByteView plaintext) {
        require(SSL_write(client_.get(), plaintext.data(), static_cast<int>(plaintext.size())) > 0);
    }
    int read(ByteSpan into) { return SSL_read(server_.get(), into.data(), static_cast<int>(into.size())); }

private:
    struct Free {
        void operator()(SSL_CTX* it) const { SSL_CTX_free(it); }
        void operator()(SSL* it) const { SSL_free(it); }
        void operator()(BIO* it) const { BIO_free(it); }
        void operator()(X509* it) const { X509_free(it); }
        void operator()(EVP_PKEY* it) const { EVP_PKEY_free(it); }
    };
    using Context = std::unique_ptr<SSL_CTX, Free>;

    void use(const crypto::Identity& identity) {
        const auto buffer = [](const std::string& pem) {
            return std::unique_ptr<BIO, Free>{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
        };
        const auto certificate_pem = identity.certificate.to_pem(), key_pem = identity.key.to_pem();
        const std::unique_ptr<X509, Free> certificate{
            PEM_read_bio_X509(buffer(certificate_pem).get(), nullptr, nullptr, nullptr)};
        const std::unique_ptr<EVP_PKEY, Free> key{
            PEM_read_bio_PrivateKey(buffer(key_pem).get(), nullptr, nullptr, nullptr)};
        require(SSL_CTX_use_certificate(server_context_.get(), certificate.get()) == 1);
        require(SSL_CTX_use_PrivateKey(server_context_.get(), key.get()) == 1);
    }

    Context client_context_, server_context_;
    std::unique_ptr<SSL, Free> client_, server_;
};

void openssl_write_then_read(benchmark::State& state) {
    OpenSslPair pair{suite_of(state).openssl};
    const Bytes inner(kInner, 0x45);
    Bytes text(kInner);
    for (auto _ : state) {
        pair.write(inner);
        require(pair.read(text) == static_cast<int>(kInner));
        benchmark::DoNotOptimize(text.data());
    }
    label(state);
}
BENCHMARK(openssl_write_then_read)->Arg(0)->Arg(1);

void seal_then_open(benchmark::State& state) {
    auto client = test::client_options(), server = test::server_options();
    client.tls.policy.cipher_suites = server.tls.policy.cipher_suites = {suite_of(state).iana};
    test::Pair pair{client, server};
    require(pair.connect());
    const auto inner = test::inner_packet(test::kInner, test::kTarget, kInner);
    Bytes wire;
    wire.reserve(2 * kInner);
    std::size_t delivered = 0;
    for (auto _ : state) {
        wire.clear();
        pair.client.session.seal(pair.now, inner, [&](ByteView bytes) { append(wire, bytes); });
        pair.server.session.handle_bytes(pair.now, wire, [&](ByteView packet) { delivered += packet.size(); });
        benchmark::DoNotOptimize(delivered);
    }
    require(delivered == static_cast<std::size_t>(state.iterations()) * kInner);
    label(state);
}
BENCHMARK(seal_then_open)->Arg(0)->Arg(1);

}  // namespace

BENCHMARK_MAIN();
