// What the files of this room share of OpenSSL, without its headers: owners for its objects and its last words.
#pragma once

#include <memory>
#include <string>

struct bignum_ctx;
struct bignum_st;
struct bio_st;
struct evp_cipher_ctx_st;
struct evp_md_ctx_st;
struct evp_md_st;
struct evp_pkey_ctx_st;
struct evp_pkey_st;
struct x509_st;

namespace gatelab::crypto {

enum class Hash;

struct Free {
    void operator()(bignum_ctx*) const;
    void operator()(bignum_st*) const;  // clears it first: most of ours are secrets
    void operator()(bio_st*) const;
    void operator()(evp_cipher_ctx_st*) const;
    void operator()(evp_md_ctx_st*) const;
    void operator()(evp_pkey_ctx_st*) const;
    void operator()(evp_pkey_st*) const;
    void operator()(x509_st*) const;
};

template <class T>
using Owned = std::unique_ptr<T, Free>;

// OpenSSL's newest complaint as a sentence, "unknown" when it has none. Empties its queue.
std::string take_openssl_error();

// Ends the process when a call failed that only a bug of ours, or a machine out of memory, can fail.
void must(bool held, const char* what);

// Passes a freshly made object on; a null pointer is as bad as a failed call.
template <class T>
T* must(T* made, const char* what) {
    must(made != nullptr, what);
    return made;
}

const evp_md_st* md_of(Hash);

}  // namespace gatelab::crypto
