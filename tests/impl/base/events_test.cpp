#include "impl/base/events.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace gatelab {
namespace {

using namespace std::chrono_literals;

TEST(Events, AreOneLineOfJson) {
    const Event event{1500ms, "alice", "ikev2", "message-sent", {{"exchange", "IKE_AUTH"}, {"id", std::int64_t{1}}, {"ok", true}}};
    EXPECT_EQ(to_json_line(event),
              R"({"t":1.500000000,"node":"alice","component":"ikev2","event":"message-sent",)"
              R"("attributes":{"exchange":"IKE_AUTH","id":1,"ok":true}})");
}

TEST(Events, SurviveWhateverAPeerCallsItself) {
    const Event event{0s, "gw", "ikev2", "peer", {{"identification", "a\"\n\xff\x01"}}};
    const auto line = to_json_line(event);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(nlohmann::json::accept(line));
}

TEST(Time, SecondsAreExact) {
    EXPECT_EQ(format_seconds(1ns), "0.000000001");
    EXPECT_EQ(format_seconds(-1500ms), "-1.500000000");
    EXPECT_EQ(format_utc(instant_from_unix(1767225600)), "2026-01-01T00:00:00Z");
}

}  // namespace
}  // namespace gatelab
