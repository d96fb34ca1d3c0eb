// The one place where an Error becomes an exception.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>
#include <utility>

#include "impl/base/result.h"

namespace gatelab::bindings {

// Python sees it as gatelab.GatelabError: the message of the command line, and the kind of fault as `fault`.
class Raised final : public std::exception {
public:
    explicit Raised(Error error) : error_(std::move(error)) {}
    const char* what() const noexcept override { return error_.detail.c_str(); }
    const Error& error() const { return error_; }

private:
    Error error_;
};

// The value, or the exception.
template <class T>
T value_or_raise(Result<T> result) {
    if (!result) throw Raised(std::move(result).error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void register_base(pybind11::module_&);

}  // namespace gatelab::bindings
