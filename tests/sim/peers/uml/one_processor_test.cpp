#include "sim/peers/uml/one_processor.h"

#include <gtest/gtest.h>

namespace gatelab::sim::peers::uml {
namespace {

int processors() {
    cpu_set_t allowed;
    return ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
}

TEST(OneProcessor, IsKeptToUntilItIsGivenBack) {
    const int before = processors();
    if (before < 2) GTEST_SKIP() << "there is only one processor";
    {
        const OneProcessor kept;
        if (!kept.processor()) GTEST_SKIP() << "all processors are claimed";
        EXPECT_EQ(processors(), 1);
        EXPECT_EQ(::sched_getcpu(), *kept.processor());
    }
    EXPECT_EQ(processors(), before);
}

}  // namespace
}  // namespace gatelab::sim::peers::uml
