// What a connection's options mean to OpenSSL; for the files of this room.
#pragma once

#include <memory>

#include "impl/tls/engine.h"

struct ssl_ctx_st;
struct ssl_st;

namespace gatelab::tls {

struct FreeTls {
    void operator()(ssl_ctx_st*) const;
    void operator()(ssl_st*) const;
};
using OwnedContext = std::unique_ptr<ssl_ctx_st, FreeTls>;
using OwnedConnection = std::unique_ptr<ssl_st, FreeTls>;

// Everything that is the same for each connection with these options: versions, suites, identity, trust. No session
// outlives its connection, and nothing reads the machine's time.
Result<OwnedContext> make_context(const Options&);

// A connection in its role, with the client's SNI and ALPN. Unsupported when the policy names a suite that the
// versions, the identity or the security level rule out altogether.
Result<OwnedConnection> make_connection(ssl_ctx_st*, const Options&);

// The list of RFC 7301 section 3.1. Refused for a name that is empty or longer than 255 bytes.
Result<Bytes> alpn_list(const std::vector<std::string>& names);

}  // namespace gatelab::tls
