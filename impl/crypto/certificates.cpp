#include "impl/crypto/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "impl/crypto/key_state.h"

namespace gatelab::crypto {
namespace {

// Runs one of OpenSSL's i2d functions.
template <class T, class Encode>
Bytes encoded(T* object, Encode encode) {
    const int size = encode(object, nullptr);
    must(size > 0, "to encode");
    Bytes result(static_cast<std::size_t>(size));
    auto* at = result.data();
    encode(object, &at);
    return result;
}

std::string text_of(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(size)};
}

// Instant spans 1677 to 2262 only; X.509 goes up to 9999 (RFC 5280 section 4.1.2.5 for "no end").
Instant instant_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return Instant::max();
    using std::chrono::duration_cast, std::chrono::seconds;
    const std::int64_t unix_time = timegm(&parts);
    if (unix_time > duration_cast<seconds>(Instant::max().time_since_epoch()).count()) return Instant::max();
    if (unix_time < duration_cast<seconds>(Instant::min().time_since_epoch()).count()) return Instant::min();
    return instant_from_unix(unix_time);
}

struct FreeNames {
    void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

// Calls `take(bytes)` for every alternative name of one type, in order.
template <class Take>
void for_each_name(const X509* x509, int type, Take take) {
    const std::unique_ptr<GENERAL_NAMES, FreeNames> names{
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x509, NID_subject_alt_name, nullptr, nullptr))};
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        int found = 0;
        const auto* value =
            static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &found));
        if (found != type) continue;
        take(ByteView{ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))});
    }
}

std::vector<std::string> text_names(const X509* x509, int type) {
    std::vector<std::string> result;
    for_each_name(x509, type, [&](ByteView name) { result.push_back(as_text(name)); });
    return result;
}

// Takes nothing that the rest of this class would have to fail on.
Result<Certificate> accept(Owned<X509> x509) {
    EVP_PKEY* key = X509_get_pubkey(x509.get());
    if (!key) return fail(Fault::Unsupported, "certificate: public key: " + take_openssl_error());
    const auto usable = supported(Owned<EVP_PKEY>{key});
    if (!usable) return fail(usable.error().fault, "certificate: " + usable.error().detail);
    return certificate_of(std::move(x509));
}

}  // namespace

X509* raw(const Certificate& certificate) { return certificate.state().x509.get(); }

Certificate certificate_of(Owned<X509> x509) {
    Bytes der = encoded(x509.get(), i2d_X509);
    return Certificate{std::make_shared<const Certificate::State>(Certificate::State{std::move(x509), std::move(der)})};
}

Certificate::Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Result<Certificate> Certificate::from_der(ByteView der) {
    const auto* at = der.data();
    Owned<X509> x509{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
    if (!x509) return fail(Fault::Malformed, "certificate: " + take_openssl_error());
    if (at != der.data() + der.size()) return fail(Fault::Malformed, "certificate: bytes after its end");
    return accept(std::move(x509));
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
    const Owned<BIO> bio{must(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), "a buffer")};
    Owned<X509> x509{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
    if (!x509) return fail(Fault::Malformed, "certificate: " + take_openssl_error() + "; expected PEM");
    return accept(std::move(x509));
}

Result<std::vector<Certificate>> Certificate::all_from_pem(std::string_view pem) {
    const Owned<BIO> bio{must(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), "a buffer")};
    std::vector<Certificate> all;
    for (;;) {
        Owned<X509> x509{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
        const bool at_end = !x509 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        const auto numbered = [&](const std::string& why) {
            return "certificate " + std::to_string(all.size() + 1) + ": " + why;
        };
        if (!x509) {
            const auto why = take_openssl_error();
            if (at_end && !all.empty()) return all;
            if (at_end) return fail(Fault::NotFound, "no certificate; expected PEM");
            return fail(Fault::Malformed, numbered(why));
        }
        auto one = accept(std::move(x509));
        if (!one) return fail(one.error().fault, numbered(one.error().detail));
        all.push_back(std::move(*one));
    }
}

const Bytes& Certificate::der() const { return state_->der; }

std::string Certificate::to_pem() const {
    const Owned<BIO> bio{must(BIO_new(BIO_s_mem()), "a buffer")};
    must(PEM_write_bio_X509(bio.get(), raw(*this)) == 1, "to write a certificate");
    return text_of(bio.get());
}

PublicKey Certificate::public_key() const {
    auto key = PublicKey::from_der(public_key_info_der());
    must(key.has_value(), "a certificate's key that was read before");
    return std::move(*key);
}

std::string Certificate::subject() const {
    const Owned<BIO> bio{must(BIO_new(BIO_s_mem()), "a buffer")};
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(raw(*this)), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    return text_of(bio.get());
}

std::string Certificate::subject_in_order() const {
    const Owned<BIO> bio{must(BIO_new(BIO_s_mem()), "a buffer")};
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(raw(*this)), 0,
                       XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_ESC_CTRL);
    return text_of(bio.get());
}

std::string Certificate::common_name() const {
    const auto* name = X509_get_subject_name(raw(*this));
    int last = -1;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) last = at;
    if (last < 0) return "";
    unsigned char* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
    if (size < 0) {
        take_openssl_error();
        return "";
    }
    std::string result{reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)};
    OPENSSL_free(text);
    return result;
}

bool Certificate::has_key_usage() const { return X509_get_ext_by_NID(raw(*this), NID_key_usage, -1) >= 0; }

bool Certificate::names_purpose(Purpose purpose) const {
    auto* x509 = raw(*this);
    if (X509_get_ext_by_NID(x509, NID_ext_key_usage, -1) < 0) return false;
    const std::uint32_t wanted = purpose == Purpose::ServerAuth ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
    const auto named = X509_get_extended_key_usage(x509);
    return named != UINT32_MAX && (named & wanted) != 0;
}

Bytes Certificate::subject_der() const { return encoded(X509_get_subject_name(raw(*this)), i2d_X509_NAME); }

Bytes Certificate::public_key_info_der() const { return encoded(X509_get_X509_PUBKEY(raw(*this)), i2d_X509_PUBKEY); }

Bytes Certificate::sha1_thumbprint() const { return digest(Hash::Sha1, der()); }

std::vector<std::string> Certificate::dns_names() const { return text_names(raw(*this), GEN_DNS); }
std::vector<std::string> Certificate::email_addresses() const { return text_names(raw(*this), GEN_EMAIL); }

std::vector<Ipv4Address> Certificate::ip_addresses() const {
    std::vector<Ipv4Address> result;
    for_each_name(raw(*this), GEN_IPADD, [&](ByteView octets) {
        if (octets.size() == 4) result.emplace_back(octets[0], octets[1], octets[2], octets[3]);
    });
    return result;
}

Instant Certificate::not_before() const { return instant_of(X509_get0_notBefore(raw(*this))); }
Instant Certificate::not_after() const { return instant_of(X509_get0_notAfter(raw(*this))); }

}  // namespace gatelab::crypto
