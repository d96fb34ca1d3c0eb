#include "sim/peers/uml/guest_sockets.h"

#include <optional>

#include "sim/peers/uml/guest_stream.h"

namespace gatelab::sim::peers::uml {
namespace {

using Line = ControlChannel::Line;

// What UDP and raw sockets share: whole packets, each with its sender.
class PacketSocket {
public:
    using Receiver = std::function<void(Endpoint, ByteView)>;

    PacketSocket(ControlChannel& control, GuestSocket socket)
        : socket_(std::move(socket)),
          line_(control.open({.received = [this](const agent::Message& message) { handle(message); },
                              .broken = [](const Error&) {}})) {}
    ~PacketSocket() {
        if (socket_.closed) socket_.closed();
    }

    Line& line() { return *line_; }
    Endpoint local() const { return socket_.local; }
    void on_packet(Receiver receiver) { receiver_ = std::make_shared<const Receiver>(std::move(receiver)); }

    Result<void> send(Endpoint remote, ByteView payload) {
        if (refused_) return fail(Fault::Refused, to_string(socket_.local) + ": " + *refused_);
        auto sent = line_->send(agent::Datagram{line_->channel(), remote, payload});
        // A full queue loses the datagram, as on any host.
        if (!sent && sent.error().fault == Fault::Unavailable) return {};
        return sent;
    }

private:
    void handle(const agent::Message& message) {
        if (const auto* datagram = std::get_if<agent::Datagram>(&message)) {
            const auto receiver = receiver_;  // it may replace itself, or close the socket
            if (*receiver) (*receiver)(datagram->remote, datagram->bytes);
        } else if (const auto* closed = std::get_if<agent::Closed>(&message)) {
            refused_ = closed->reason;
            if (socket_.refused) socket_.refused(closed->reason);
        }
    }

    const GuestSocket socket_;
    std::optional<std::string> refused_;
    std::shared_ptr<const Receiver> receiver_ = std::make_shared<const Receiver>();
    const std::unique_ptr<Line> line_;
};

class GuestUdp final : public UdpSocket {
public:
    GuestUdp(ControlChannel& control, GuestSocket socket) : packets_(control, std::move(socket)) {
        auto& line = packets_.line();
        (void)line.send(agent::OpenUdp{line.channel(), packets_.local()});
    }
    Endpoint local() const override { return packets_.local(); }
    Result<void> send(Endpoint remote, ByteView payload) override { return packets_.send(remote, payload); }
    void on_datagram(Receiver receiver) override { packets_.on_packet(std::move(receiver)); }

private:
    PacketSocket packets_;
};

class GuestRaw final : public RawIp {
public:
    GuestRaw(ControlChannel& control, IpProtocol protocol, GuestSocket socket) : packets_(control, std::move(socket)) {
        auto& line = packets_.line();
        (void)line.send(agent::OpenRaw{line.channel(), static_cast<std::uint8_t>(protocol)});
    }
    Result<void> send(Ipv4Address remote, ByteView payload) override { return packets_.send({remote, 0}, payload); }
    void on_packet(Receiver receiver) override {
        packets_.on_packet([receiver = std::move(receiver)](Endpoint from, ByteView payload) {
            if (receiver) receiver(from.address, payload);
        });
    }

private:
    PacketSocket packets_;
};

class GuestListener final : public TcpListener {
public:
    GuestListener(ControlChannel& control, GuestSocket socket)
        : control_(control),
          socket_(std::move(socket)),
          line_(control.open({.received = [this](const agent::Message& message) { handle(message); },
                              .broken = [](const Error&) {}})) {
        (void)line_->send(agent::ListenTcp{line_->channel(), socket_.local});
    }
    ~GuestListener() override {
        if (socket_.closed) socket_.closed();
    }
    void on_accept(Acceptor acceptor) override { acceptor_ = std::make_shared<const Acceptor>(std::move(acceptor)); }

private:
    void handle(const agent::Message& message) {
        if (const auto* news = std::get_if<agent::Accepted>(&message)) {
            auto stream = take_accepted(control_, *news);
            const auto acceptor = acceptor_;  // it may replace itself, or close the listener
            if (*acceptor) (*acceptor)(std::move(stream));
        } else if (const auto* closed = std::get_if<agent::Closed>(&message); closed && socket_.refused) {
            socket_.refused(closed->reason);
        }
    }

    ControlChannel& control_;
    const GuestSocket socket_;
    std::shared_ptr<const Acceptor> acceptor_ = std::make_shared<const Acceptor>();
    const std::unique_ptr<Line> line_;
};

}  // namespace

std::unique_ptr<UdpSocket> open_guest_udp(ControlChannel& control, GuestSocket socket) {
    return std::make_unique<GuestUdp>(control, std::move(socket));
}
std::unique_ptr<TcpListener> open_guest_listener(ControlChannel& control, GuestSocket socket) {
    return std::make_unique<GuestListener>(control, std::move(socket));
}
std::unique_ptr<RawIp> open_guest_raw(ControlChannel& control, IpProtocol protocol, GuestSocket socket) {
    return std::make_unique<GuestRaw>(control, protocol, std::move(socket));
}

}  // namespace gatelab::sim::peers::uml
