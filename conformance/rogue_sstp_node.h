// A rogue SSTP peer on a machine of the network on which nobody else plays.
#pragma once

#include <memory>

#include "conformance/rogue_sstp.h"
#include "conformance/trial.h"
#include "impl/host/host.h"

namespace gatelab::conformance {

class RogueSstpNode : public Rogue {
public:
    // One that connects to `gateway` when it is told to dial.
    static std::unique_ptr<RogueSstpNode> client(Host&, SstpRogueOptions, Endpoint gateway);
    // One that listens on `port`; each connection finds a peer with the same hooks, as they are then.
    static std::unique_ptr<RogueSstpNode> server(Host&, SstpRogueOptions, std::uint16_t port);
    ~RogueSstpNode() override;

    RogueSstp& peer();  // server: of the newest connection
    // Server: told of each new connection's peer before it has heard anything.
    void on_connection(std::function<void(RogueSstp&)>);
    std::size_t connections() const;

    Instant now() const override;
    void dial() override;
    bool is_up() const override;
    bool was_closed() const override;
    std::string ended() const override;
    Ipv4Address address() const override;
    Bytes seal(ByteView inner) override;
    void send_sealed(ByteView packet) override;
    const std::deque<Bytes>& inner() const override;
    std::size_t heard() const override;  // SSTP's packets

    void connect();               // client: TCP alone
    void renew();                 // client: the next connection is another, with a new peer at our end
    bool is_open() const;         // TCP
    Instant closed_at() const;    // when the other side closed
    void write_stream(ByteView);  // TCP: octets as they are, outside TLS
    const Bytes& stream() const;  // all octets that came, of the newest connection

private:
    struct State;
    explicit RogueSstpNode(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

}  // namespace gatelab::conformance
