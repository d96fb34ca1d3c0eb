// Certificates for simulated networks and tests (the profile of RFC 5280 section 4).
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <optional>

#include "impl/crypto/key_state.h"
#include "impl/crypto/unobserved_draws.h"

namespace gatelab::crypto {
namespace {

struct FreeExtension {
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

void set_subject(X509* x509, const std::string& common_name) {
    // UTF8String as it is, not through OpenSSL's string table: that refuses names over 64 characters.
    auto* name = X509_get_subject_name(x509);
    const auto* octets = reinterpret_cast<const unsigned char*>(common_name.data());
    must(X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING, octets,
                                    static_cast<int>(common_name.size()), -1, 0) == 1,
         "a common name");
}

void set_validity(X509* x509, const CertificateRequest& request) {
    must(ASN1_TIME_set(X509_getm_notBefore(x509), unix_seconds(request.not_before)) != nullptr &&
             ASN1_TIME_set(X509_getm_notAfter(x509), unix_seconds(request.not_after)) != nullptr,
         "a validity");
}

// `value` in the notation of x509v3_config(5). Only for text of our own: names of others need not survive its quoting.
void add_extension(X509* x509, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
    X509V3_set_ctx_nodb(&context);
    const std::unique_ptr<X509_EXTENSION, FreeExtension> extension{
        must(X509V3_EXT_conf_nid(nullptr, &context, nid, value), value)};
    must(X509_add_ext(x509, extension.get(), -1) == 1, value);
}

void push_name(GENERAL_NAMES* names, int type, ByteView value) {
    auto* text = must(type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new(), "a name");
    must(ASN1_STRING_set(text, value.data(), static_cast<int>(value.size())) == 1, "a name");
    auto* name = must(GENERAL_NAME_new(), "a name");
    GENERAL_NAME_set0_value(name, type, text);
    must(sk_GENERAL_NAME_push(names, name) > 0, "a name");
}

void add_alternative_names(X509* x509, const CertificateRequest& request) {
    const std::unique_ptr<GENERAL_NAMES, FreeExtension> names{must(GENERAL_NAMES_new(), "names")};
    for (const auto& name : request.dns_names) push_name(names.get(), GEN_DNS, as_bytes(name));
    for (const auto& address : request.email_addresses) push_name(names.get(), GEN_EMAIL, as_bytes(address));
    for (const auto address : request.ip_addresses)
        push_name(names.get(), GEN_IPADD, ByteWriter{}.u32(address.number()).view());
    if (sk_GENERAL_NAME_num(names.get()) == 0) return;
    must(X509_add1_ext_i2d(x509, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1, "names");
}

std::string purposes_of(const CertificateRequest& request) {
    std::string result;
    for (const auto purpose : request.purposes) {
        if (!result.empty()) result += ',';
        result += purpose == Purpose::ServerAuth ? "serverAuth" : "clientAuth";
    }
    return result;
}

Owned<X509> begin(const CertificateRequest& request, const PrivateKey& key) {
    Owned<X509> x509{must(X509_new(), "a certificate")};
    must(X509_set_version(x509.get(), X509_VERSION_3) == 1, "version 3");
    must(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509.get()), request.serial) == 1, "a serial number");
    set_subject(x509.get(), request.common_name);
    set_validity(x509.get(), request);
    must(X509_set_pubkey(x509.get(), raw(key)) == 1, "a public key");
    return x509;
}

Certificate finish(Owned<X509> x509, const PrivateKey& signer) {
    std::optional<UnobservedDraws> blinding;
    if (signer.type() == KeyType::Rsa) blinding.emplace();
    must(X509_sign(x509.get(), raw(signer), EVP_sha256()) > 0, "to sign a certificate");
    return certificate_of(std::move(x509));
}

}  // namespace

Identity make_root(const CertificateRequest& request, PrivateKey key) {
    auto x509 = begin(request, key);
    auto* root = x509.get();
    must(X509_set_issuer_name(root, X509_get_subject_name(root)) == 1, "an issuer");
    add_extension(root, root, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(root, root, NID_subject_key_identifier, "hash");
    return {finish(std::move(x509), key), std::move(key)};
}

Identity issue(const Identity& issuer, const CertificateRequest& request, PrivateKey key) {
    auto x509 = begin(request, key);
    auto* leaf = x509.get();
    auto* parent = raw(issuer.certificate);
    must(X509_set_issuer_name(leaf, X509_get_subject_name(parent)) == 1, "an issuer");
    const bool is_rsa = key.type() == KeyType::Rsa;
    add_extension(leaf, parent, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(leaf, parent, NID_key_usage,
                  is_rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature");
    if (const auto purposes = purposes_of(request); !purposes.empty())
        add_extension(leaf, parent, NID_ext_key_usage, purposes.c_str());
    add_alternative_names(leaf, request);
    add_extension(leaf, parent, NID_subject_key_identifier, "hash");
    add_extension(leaf, parent, NID_authority_key_identifier, "keyid");
    return {finish(std::move(x509), issuer.key), std::move(key)};
}

}  // namespace gatelab::crypto
