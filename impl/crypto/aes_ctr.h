// AES in counter mode (NIST SP 800-38A section 6.5). It only hides: what it carries needs a MAC beside it.
#pragma once

#include <cstddef>
#include <memory>

#include "impl/base/bytes.h"

namespace gatelab::crypto {

// One key of 16, 24 or 32 bytes; both directions are the same operation. Allocates nothing after construction.
class AesCtr {
public:
    static constexpr std::size_t kIvSize = 16;  // the first counter block

    explicit AesCtr(ByteView key);
    ~AesCtr();
    AesCtr(AesCtr&&) noexcept;
    AesCtr& operator=(AesCtr&&) noexcept;

    void apply(ByteView iv, ByteView in, ByteSpan out);  // in.size() == out.size(), any size; in-place allowed

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::crypto
