// A callable that is only borrowed for the length of a call.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace gatelab {

template <class Signature>
class FunctionRef;

// Refers to any callable, a lambda with any captures among them, and never allocates. The callable outlives it, so it
// is for parameters and not for members.
template <class R, class... Args>
class FunctionRef<R(Args...)> {
public:
    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...>)
        FunctionRef(F&& callable)  // NOLINT: converts as std::function does
        : callable_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
          call_([](void* target, Args... args) -> R {
              return static_cast<R>((*static_cast<std::remove_reference_t<F>*>(target))(std::forward<Args>(args)...));
          }) {}

    R operator()(Args... args) const { return call_(callable_, std::forward<Args>(args)...); }

private:
    void* callable_;
    R (*call_)(void*, Args...);
};

}  // namespace gatelab
