// A client's end of an SSTP tunnel on a FakeNetwork, without a machine around it: what goes through it, a test sends
// and sees itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "impl/sstp/session.h"
#include "impl/tunnel/byte_stream.h"
#include "tests/support/fake_network.h"

namespace gatelab::testing {

// Dials the gateway of a P2sLab.
sstp::Options sstp_client_options(const std::string& name, const std::string& password);

class SstpDialler {
public:
    SstpDialler(FakeNetwork&, Endpoint from, Endpoint to, sstp::Options);

    void send(ByteView inner);
    void close();
    // Runs the network until it has come to something; true when packets flow.
    bool connect();

    sstp::SessionStatus status() const { return session_.status(); }
    std::optional<ppp::Agreed> opened;
    std::optional<sstp::Session::Closed> closed;
    std::vector<Bytes> received;  // inner packets
    bool mute = false;            // what the session wants to send vanishes from now on

private:
    void pump();

    FakeNetwork& network_;
    SeededRandom random_;
    sstp::Session session_;
    Timer timer_;
    std::unique_ptr<tunnel::ByteStream> stream_;
};

}  // namespace gatelab::testing
