// Two sessions meet, exchange data, and part.
#include "impl/openvpn/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/impl/openvpn/pair.h"

namespace gatelab::openvpn::test {
namespace {

static_assert(Engine<Session>);

using testing::ElementsAre;

TEST(Session, ConnectsAndCarriesPacketsBothWays) {
    for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        Pair pair{client_options(transport), server_options(transport)};
        ASSERT_TRUE(pair.connect()) << pair.client.why_closed() << pair.server.why_closed();
        EXPECT_TRUE(pair.send(pair.client, inner_packet("ping")));
        EXPECT_TRUE(pair.send(pair.server, inner_packet("pong")));
        pair.run_for(seconds(1));
        EXPECT_THAT(pair.server.received, ElementsAre(inner_packet("ping")));
        EXPECT_THAT(pair.client.received, ElementsAre(inner_packet("pong")));
    }
}

}  // namespace
}  // namespace gatelab::openvpn::test
