// Armour for binary secrets (RFC 7468): "-----BEGIN name-----", base64 in lines of 64 characters, the end line.
#pragma once

#include <string>
#include <string_view>

#include "impl/base/bytes.h"

namespace gatelab::crypto {

std::string encode_pem(std::string_view name, ByteView);
// The first block of that name; text around it is skipped. NotFound or Malformed, with the name in the detail.
Result<Bytes> decode_pem(std::string_view name, std::string_view text);

}  // namespace gatelab::crypto
