// What stands behind keys and certificates, for the files of this room.
#pragma once

#include "impl/crypto/certificates.h"
#include "impl/crypto/openssl.h"

namespace gatelab::crypto {

struct PublicKey::State {
    Owned<evp_pkey_st> key;
};

struct PrivateKey::State {
    Owned<evp_pkey_st> key;
};

struct Certificate::State {
    Owned<x509_st> x509;
    Bytes der;
};

// The OpenSSL objects behind our own; they live as long as what they are taken from.
evp_pkey_st* raw(const PublicKey&);
evp_pkey_st* raw(const PrivateKey&);
x509_st* raw(const Certificate&);

// Unsupported unless `key` is RSA of at least 1024 bits or on a NIST curve.
Result<Owned<evp_pkey_st>> supported(Owned<evp_pkey_st> key);

// Of an object that is well formed, or was made here.
Certificate certificate_of(Owned<x509_st>);

}  // namespace gatelab::crypto
