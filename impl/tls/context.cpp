#include "impl/tls/context.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "impl/crypto/key_state.h"
#include "impl/crypto/openssl.h"

namespace gatelab::tls {
namespace {

using crypto::must;
using crypto::raw;
using crypto::take_openssl_error;

// RSA of 2048 bits and SHA-256 at the least.
constexpr int kSecurityLevel = 2;

// Named, so that no openssl.cnf of a machine changes what goes over the wire.
constexpr const char* kGroups = "X25519:P-256:P-384:P-521";
constexpr const char* kSignatures =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";

// RFC 6066 section 3 and RFC 1035 section 2.3.4.
constexpr std::size_t kLongestName = 255;

struct Suites {
    std::string tls12, tls13;  // as OpenSSL's two lists want them
};

Result<Suites> suites_of(const Policy& policy) {
    Suites suites;
    for (const auto& iana : policy.cipher_suites) {
        auto name = openssl_name_of(iana);
        if (!name) return fail(Fault::Unsupported, name.error().detail);
        auto& list = is_tls13(iana) ? suites.tls13 : suites.tls12;
        list += (list.empty() ? "" : ":") + *name;
    }
    return suites;
}

Result<void> set_suites(SSL_CTX* context, const Policy& policy) {
    const auto suites = suites_of(policy);
    if (!suites) return pass(suites);
    // A version without a suite would be offered in vain.
    const bool speaks_tls12 = policy.minimum == Version::Tls12 && !suites->tls12.empty();
    const bool speaks_tls13 = policy.maximum == Version::Tls13 && !suites->tls13.empty();
    if (!speaks_tls12 && !speaks_tls13)
        return fail(Fault::Unsupported, "TLS policy leaves no version with a cipher suite; expected one or more of " +
                                            std::string{name_of(policy.minimum)} + " to " +
                                            std::string{name_of(policy.maximum)});
    must(SSL_CTX_set_min_proto_version(context, speaks_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
             SSL_CTX_set_max_proto_version(context, speaks_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1,
         "a range of TLS versions");
    if (SSL_CTX_set_ciphersuites(context, suites->tls13.c_str()) != 1 ||
        (speaks_tls12 && SSL_CTX_set_cipher_list(context, suites->tls12.c_str()) != 1))
        return fail(Fault::Unsupported, "TLS cipher suites: " + take_openssl_error());
    return {};
}

Result<void> set_identity(SSL_CTX* context, const Options& options) {
    if (!options.identity) {
        if (options.role == Role::Client) return {};
        return fail(Fault::Refused, "a TLS server without certificate and key");
    }
    // RSA keys cache what blinding drew: a copy of the key for each connection keeps a run from depending on what the
    // key did before.
    const crypto::Owned<EVP_PKEY> key{must(EVP_PKEY_dup(raw(options.identity->key)), "a copy of a key")};
    if (SSL_CTX_use_certificate(context, raw(options.identity->certificate)) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        return fail(Fault::Unsupported,
                    "TLS identity " + options.identity->certificate.subject() + ": " + take_openssl_error());
    for (const auto& one : options.intermediates)
        if (SSL_CTX_add1_chain_cert(context, raw(one)) != 1)
            return fail(Fault::Unsupported, "TLS intermediate " + one.subject() + ": " + take_openssl_error());
    return {};
}

void set_trust(SSL_CTX* context, const Options& options) {
    if (!options.roots) return;
    for (const auto& root : options.roots->roots()) {
        must(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), raw(root)) == 1, "a root");
        // RFC 8446 section 4.2.4, RFC 5246 section 7.4.4: helps a client to choose.
        if (options.role == Role::Server) must(SSL_CTX_add_client_CA(context, raw(root)) == 1, "a name of a root");
    }
}

int verify_mode(const Options& options) {
    if (options.role == Role::Client) return SSL_VERIFY_PEER;
    if (!options.roots) return SSL_VERIFY_NONE;
    return SSL_VERIFY_PEER | (options.peer_certificate_optional ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

// OpenSSL passes over what it cannot do without a word.
Result<void> check_suites(SSL* connection, const Policy& policy) {
    const std::unique_ptr<STACK_OF(SSL_CIPHER), void (*)(STACK_OF(SSL_CIPHER)*)> usable{
        SSL_get1_supported_ciphers(connection), [](STACK_OF(SSL_CIPHER) * list) { sk_SSL_CIPHER_free(list); }};
    std::vector<std::string> names;
    for (int i = 0; usable && i < sk_SSL_CIPHER_num(usable.get()); ++i)
        names.emplace_back(SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(usable.get(), i)));
    const bool only12 = SSL_get_max_proto_version(connection) == TLS1_2_VERSION;
    const bool only13 = SSL_get_min_proto_version(connection) == TLS1_3_VERSION;
    for (const auto& iana : policy.cipher_suites) {
        if (std::find(names.begin(), names.end(), iana) != names.end()) continue;
        if (is_tls13(iana) ? only12 : only13) continue;  // of a version that the policy leaves out
        return fail(Fault::Unsupported, "TLS cipher suite " + iana + " is none that this implementation negotiates");
    }
    return {};
}

}  // namespace

void FreeTls::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
void FreeTls::operator()(SSL* connection) const { SSL_free(connection); }

Result<Bytes> alpn_list(const std::vector<std::string>& names) {
    ByteWriter list;
    for (const auto& name : names) {
        if (name.empty() || name.size() > 255)
            return fail(Fault::Refused,
                        "ALPN name of " + std::to_string(name.size()) + " bytes, expected 1 to 255 (RFC 7301)");
        list.u8(static_cast<std::uint8_t>(name.size())).bytes(as_bytes(name));
    }
    return list.take();
}

Result<OwnedContext> make_context(const Options& options) {
    OwnedContext made{must(SSL_CTX_new(TLS_method()), "a TLS context")};
    auto* context = made.get();
    // No session is resumed, so none is kept and no ticket given; without renegotiation a connection has one handshake.
    SSL_CTX_set_options(
        context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    must(SSL_CTX_set_num_tickets(context, 0) == 1, "no tickets");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    // Chains are what the options say: completing them from the roots would judge certificates at the machine's time.
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_security_level(context, kSecurityLevel);
    must(SSL_CTX_set1_groups_list(context, kGroups) == 1, "groups");
    must(SSL_CTX_set1_sigalgs_list(context, kSignatures) == 1, "signature algorithms");
    SSL_CTX_set_verify(context, verify_mode(options), nullptr);
    set_trust(context, options);
    if (const auto set = set_suites(context, options.policy); !set) return pass(set);
    if (const auto set = set_identity(context, options); !set) return pass(set);
    return made;
}

Result<OwnedConnection> make_connection(SSL_CTX* context, const Options& options) {
    OwnedConnection made{must(SSL_new(context), "a TLS connection")};
    auto* connection = made.get();
    if (const auto held = check_suites(connection, options.policy); !held) return pass(held);
    if (options.role == Role::Server) {
        SSL_set_accept_state(connection);
        return made;
    }
    SSL_set_connect_state(connection);
    if (options.server_name.size() > kLongestName)
        return fail(Fault::Refused, "TLS server name of " + std::to_string(options.server_name.size()) +
                                        " bytes, expected at most " + std::to_string(kLongestName));
    if (!options.server_name.empty())
        must(SSL_set_tlsext_host_name(connection, options.server_name.c_str()) == 1, "a server name");
    const auto protocols = alpn_list(options.alpn);
    if (!protocols) return pass(protocols);
    if (!protocols->empty())  // 0 is success here
        must(SSL_set_alpn_protos(connection, protocols->data(), static_cast<unsigned>(protocols->size())) == 0, "ALPN");
    return made;
}

}  // namespace gatelab::tls
