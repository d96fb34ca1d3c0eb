#include "impl/profile/values.h"

namespace gatelab::profile {

std::string_view auth_name(crypto::Hash hash) {
    switch (hash) {
        case crypto::Hash::Sha1: return "SHA1";
        case crypto::Hash::Sha256: return "SHA256";
        case crypto::Hash::Sha384: return "SHA384";
        case crypto::Hash::Sha512: return "SHA512";
    }
    return "none";
}

}  // namespace gatelab::profile
