// Keys, signatures and X.509 certificates.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/address.h"
#include "impl/base/bytes.h"
#include "impl/base/result.h"
#include "impl/base/time.h"
#include "impl/crypto/algorithms.h"

namespace gatelab::crypto {

enum class KeyType { Rsa, Ecdsa };

// How a signature is made. RsaPkcs1 and Ecdsa are what IKEv2 uses; Ecdsa signatures are the DER form of RFC 3279.
enum class Signature { RsaPkcs1, RsaPss, Ecdsa };

class PublicKey {
public:
    // From a DER SubjectPublicKeyInfo.
    static Result<PublicKey> from_der(ByteView);
    KeyType type() const;
    int bits() const;  // of the RSA modulus or of the curve
    Bytes to_der() const;
    [[nodiscard]] bool verify(Signature, Hash, ByteView message, ByteView signature) const;

    struct State;
    explicit PublicKey(std::shared_ptr<const State>);
    const State& state() const { return *state_; }

private:
    std::shared_ptr<const State> state_;
};

class PrivateKey {
public:
    static PrivateKey generate_rsa(int bits);
    static PrivateKey generate_ecdsa(int bits);  // 256 or 384: the NIST curve
    static Result<PrivateKey> from_pem(std::string_view);

    KeyType type() const;
    int bits() const;
    PublicKey public_key() const;
    std::string to_pem() const;  // PKCS#8, unencrypted
    Bytes sign(Signature, Hash, ByteView message) const;

    struct State;
    explicit PrivateKey(std::shared_ptr<const State>);
    const State& state() const { return *state_; }

private:
    std::shared_ptr<const State> state_;
};

// What the holder of a certificate wants to do with it.
enum class Purpose { ServerAuth, ClientAuth };

class Certificate {
public:
    static Result<Certificate> from_der(ByteView);
    static Result<Certificate> from_pem(std::string_view);
    // Every certificate of a text, in order. Malformed, with its number, when one cannot be read; NotFound without any.
    static Result<std::vector<Certificate>> all_from_pem(std::string_view);

    const Bytes& der() const;
    std::string to_pem() const;
    PublicKey public_key() const;
    std::string subject() const;           // RFC 2253 text: "CN=alice"
    std::string subject_in_order() const;  // as it stands in the certificate: "C=DE, O=Example, CN=alice"
    std::string common_name() const;       // the subject's last; "" without one
    bool has_key_usage() const;            // keyUsage (RFC 5280 section 4.2.1.3), whatever it allows
    bool names_purpose(Purpose) const;     // in an extendedKeyUsage (RFC 5280 section 4.2.1.12)
    Bytes subject_der() const;             // the encoded Name
    Bytes public_key_info_der() const;  // SubjectPublicKeyInfo, what a CERTREQ hash is taken of (RFC 7296 section 3.7)
    Bytes sha1_thumbprint() const;
    std::vector<std::string> dns_names() const;  // subjectAltName, in order
    std::vector<std::string> email_addresses() const;
    std::vector<Ipv4Address> ip_addresses() const;
    Instant not_before() const;
    Instant not_after() const;

    struct State;
    explicit Certificate(std::shared_ptr<const State>);
    const State& state() const { return *state_; }

private:
    std::shared_ptr<const State> state_;
};

// The roots that a machine trusts.
class TrustStore {
public:
    void add(Certificate root) { roots_.push_back(std::move(root)); }
    const std::vector<Certificate>& roots() const { return roots_; }

    // Unauthentic, with OpenSSL's reason and the subject, unless a chain from `leaf` over `intermediates` to a root
    // holds at `at` and permits `purpose` (RFC 5280 section 6; extendedKeyUsage, when present, must name the purpose).
    Result<void> verify(const Certificate& leaf, const std::vector<Certificate>& intermediates, Purpose purpose,
                        Instant at) const;

private:
    std::vector<Certificate> roots_;
};

struct CertificateRequest {
    std::string common_name;
    std::vector<std::string> dns_names;
    std::vector<std::string> email_addresses;
    std::vector<Ipv4Address> ip_addresses;
    std::vector<Purpose> purposes;
    Instant not_before;
    Instant not_after;
    std::uint64_t serial = 1;
};

// A certificate and its key, and what it takes to issue more. For simulated networks and tests.
struct Identity {
    Certificate certificate;
    PrivateKey key;
};

// A self-signed root with keyCertSign and cRLSign.
Identity make_root(const CertificateRequest&, PrivateKey);
// A leaf for `key`, signed by `issuer` with SHA-256.
Identity issue(const Identity& issuer, const CertificateRequest&, PrivateKey key);

}  // namespace gatelab::crypto
