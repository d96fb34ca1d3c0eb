#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "impl/crypto/key_state.h"

namespace gatelab::crypto {
namespace {

struct FreeStore {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
    void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
    void operator()(STACK_OF(X509) * chain) const { sk_X509_free(chain); }  // its certificates belong to others
};

std::string subject_of(const X509* x509) {
    const Owned<BIO> bio{must(BIO_new(BIO_s_mem()), "a buffer")};
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(x509), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace

Result<void> TrustStore::verify(const Certificate& leaf, const std::vector<Certificate>& intermediates, Purpose purpose,
                                Instant at) const {
    const std::unique_ptr<X509_STORE, FreeStore> store{must(X509_STORE_new(), "a certificate store")};
    for (const auto& root : roots_) must(X509_STORE_add_cert(store.get(), raw(root)) == 1, "a root");

    const std::unique_ptr<STACK_OF(X509), FreeStore> chain{must(sk_X509_new_null(), "a certificate chain")};
    for (const auto& one : intermediates) must(sk_X509_push(chain.get(), raw(one)) > 0, "an intermediate");

    const std::unique_ptr<X509_STORE_CTX, FreeStore> context{must(X509_STORE_CTX_new(), "a verification")};
    must(X509_STORE_CTX_init(context.get(), store.get(), raw(leaf), chain.get()) == 1, "a verification");
    auto* parameters = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(parameters, unix_seconds(at));
    must(X509_VERIFY_PARAM_set_purpose(
             parameters, purpose == Purpose::ServerAuth ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT) == 1,
         "a purpose");

    if (X509_verify_cert(context.get()) == 1) return {};
    take_openssl_error();
    const int error = X509_STORE_CTX_get_error(context.get());
    const auto* culprit = X509_STORE_CTX_get_current_cert(context.get());
    return fail(Fault::Unauthentic, "certificate of " + (culprit ? subject_of(culprit) : leaf.subject()) + ": " +
                                        X509_verify_cert_error_string(error) + " (" + std::to_string(error) + ")");
}

}  // namespace gatelab::crypto
