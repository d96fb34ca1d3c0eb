#include "impl/crypto/random_source.h"

#include <openssl/rand.h>
#include <sys/random.h>

#include <cerrno>

#include "impl/crypto/openssl.h"
#include "impl/crypto/unobserved_draws.h"

namespace gatelab::crypto {
namespace {

Random* g_source = nullptr;
Random* g_unobserved = nullptr;

int fill(unsigned char* out, int size) {
    auto* source = g_unobserved ? g_unobserved : g_source;
    source->fill({out, static_cast<std::size_t>(size)});
    return 1;
}
int seed(const void*, int) { return 1; }
int add(const void*, int, double) { return 1; }
int ready() { return 1; }

const RAND_METHOD kMethod{seed, fill, nullptr, add, fill, ready};

// Deprecated in OpenSSL 3 in favour of a provider of our own, but honoured by every draw of libcrypto and libssl, and
// the only hook that can be set and taken back at run time.
void install(const RAND_METHOD* method) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    must(RAND_set_rand_method(method) == 1, "a random source");
#pragma GCC diagnostic pop
}

}  // namespace

ScopedRandomSource::ScopedRandomSource(Random& random) {
    must(g_source == nullptr, "a second random source at the same time");
    g_source = &random;
    install(&kMethod);
}

ScopedRandomSource::~ScopedRandomSource() {
    install(nullptr);
    g_source = nullptr;
}

UnobservedDraws::UnobservedDraws() { g_unobserved = g_source ? &random_ : nullptr; }
UnobservedDraws::~UnobservedDraws() { g_unobserved = nullptr; }

// Not RAND_bytes, which a ScopedRandomSource replaces.
void SystemRandom::fill(ByteSpan out) {
    while (!out.empty()) {
        const auto drawn = ::getrandom(out.data(), out.size(), 0);
        if (drawn < 0 && errno == EINTR) continue;
        must(drawn > 0, "the system's random numbers");
        out = out.subspan(static_cast<std::size_t>(drawn));
    }
}

}  // namespace gatelab::crypto
