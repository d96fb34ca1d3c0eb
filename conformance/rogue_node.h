// A rogue OpenVPN peer on a machine of the network on which nobody else plays.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/rogue_openvpn.h"
#include "conformance/trial.h"
#include "impl/host/host.h"

namespace gatelab::conformance {

class RogueNode : public Rogue {
public:
    // One that dials `gateway`, over the transport of the options; connect() begins.
    static std::unique_ptr<RogueNode> client(Host&, openvpn::Options, Endpoint gateway);
    // One that listens on `port`, for the first peer that comes, and pushes `grant`.
    static std::unique_ptr<RogueNode> server(Host&, openvpn::Options, openvpn::PushReply grant, std::uint16_t port);
    ~RogueNode() override;

    RogueOpenVpn& peer();
    Instant now() const override;
    void dial() override;
    bool is_up() const override;
    bool was_closed() const override;
    std::string ended() const override;
    Ipv4Address address() const override;  // of the grant: pushed, or to be pushed
    Bytes seal(ByteView inner) override;
    void send_sealed(ByteView packet) override;
    const std::deque<Bytes>& inner() const override;
    std::size_t heard() const override;  // from elsewhere, too

    void connect();               // UDP: opens a port. TCP: dials, and is_open() tells when it got through
    bool is_open() const;         // TCP: connected
    void write_stream(ByteView);  // TCP: octets as they are, without a length before them
    // UDP: from another port than all else. What comes there is only counted.
    void send_from_elsewhere(ByteView packet);
    std::size_t heard_elsewhere() const;

private:
    struct State;
    explicit RogueNode(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::conformance
