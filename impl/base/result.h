// The one way that gatelab reports what went wrong outside its own code.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace gatelab {

// What kind of thing is wrong; `Error::detail` says where and what was expected.
enum class Fault {
    Malformed,    // bytes or a file that break their format
    Truncated,    // bytes that end too early
    Unsupported,  // well formed, but not something we do
    Unauthentic,  // a signature, MAC or certificate that does not hold
    Refused,      // well formed and understood, and not allowed
    NotFound,     // a file, a node, a program that is not there
    Unavailable,  // the machine lacks a resource or a permission
    Io,           // the operating system refused a read or a write
};

struct Error {
    Fault fault;
    std::string detail;  // one sentence for a person; no trailing full stop
};

// A value, or the error that kept us from having one. See tl::expected.
template <class T>
using Result = tl::expected<T, Error>;

// The error half of any Result.
inline tl::unexpected<Error> fail(Fault fault, std::string detail) {
    return tl::unexpected<Error>(Error{fault, std::move(detail)});
}

// Passes an error on unchanged, from a Result of one type to one of another.
template <class T>
tl::unexpected<Error> pass(const Result<T>& failed) {
    return tl::unexpected<Error>(failed.error());
}

}  // namespace gatelab
