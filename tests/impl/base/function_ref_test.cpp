#include "impl/base/function_ref.h"

#include <gtest/gtest.h>

#include <array>

namespace gatelab {
namespace {

int apply(FunctionRef<int(int)> function) { return function(3); }

TEST(FunctionRef, CallsALambdaWithAnyCaptures) {
    std::array<int, 20> large{};
    large[19] = 4;
    int calls = 0;
    EXPECT_EQ(apply([large, &calls](int n) { return ++calls, n + large[19]; }), 7);
    EXPECT_EQ(calls, 1);
}

TEST(FunctionRef, CallsAnObjectThatIsConstant) {
    const auto twice = [](int n) { return 2 * n; };
    EXPECT_EQ(apply(twice), 6);
}

TEST(FunctionRef, PassesReferencesThrough) {
    int target = 0;
    const auto set = [](int& to) { to = 5; };
    FunctionRef<void(int&)>{set}(target);
    EXPECT_EQ(target, 5);
}

}  // namespace
}  // namespace gatelab
