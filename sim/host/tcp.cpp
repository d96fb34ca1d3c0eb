#include <ns3/inet-socket-address.h>
#include <ns3/ipv4-route.h>
#include <ns3/packet.h>
#include <ns3/pointer.h>
#include <ns3/tcp-l4-protocol.h>
#include <ns3/tcp-linux-reno.h>
#include <ns3/tcp-socket-base.h>
#include <ns3/tcp-tx-buffer.h>
#include <ns3/uinteger.h>

#include <algorithm>

#include "sim/host/sim_host.h"

namespace gatelab::sim {
namespace {

// ns-3 neither announces nor reads a maximum segment size, so segments have to fit every path: through a tunnel of 1400
// octets, with 52 octets of headers (IP, TCP, timestamps), that leaves this.
constexpr std::uint32_t kSegmentSize = 1300;
constexpr std::uint32_t kHeaders = 52;
constexpr std::uint32_t kBufferSize = 512 * 1024;  // ns-3's TCP becomes very slow with large windows and losses
// As Linux has them. RFC 6298 section 2.4 would have a second, which nobody waits any more.
constexpr std::int64_t kLeastRetransmissionTimeout = 200, kDelayedAck = 40;  // milliseconds
constexpr std::uint32_t kDataRetries = 15;  // a connection outlives outages of minutes; ns-3's 6 are half a minute

ns3::InetSocketAddress to_ns3(Endpoint endpoint) {
    return {ns3::Ipv4Address(endpoint.address.number()), endpoint.port};
}

Endpoint from_ns3(const ns3::Address& address) {
    const auto inet = ns3::InetSocketAddress::ConvertFrom(address);
    return {Ipv4Address{inet.GetIpv4().Get()}, inet.GetPort()};
}

ns3::Ptr<ns3::Socket> make_socket(IpStack& stack, std::uint32_t segment_size) {
    const auto socket = stack.tcp().CreateSocket(ns3::TcpLinuxReno::GetTypeId());
    socket->SetAttribute("SegmentSize", ns3::UintegerValue(segment_size));
    socket->SetAttribute("SndBufSize", ns3::UintegerValue(kBufferSize));
    socket->SetAttribute("RcvBufSize", ns3::UintegerValue(kBufferSize));
    socket->SetAttribute("MinRto", ns3::TimeValue(ns3::MilliSeconds(kLeastRetransmissionTimeout)));
    socket->SetAttribute("PersistTimeout", ns3::TimeValue(ns3::MilliSeconds(kLeastRetransmissionTimeout)));
    socket->SetAttribute("DataRetries", ns3::UintegerValue(kDataRetries));
    socket->SetAttribute("DelAckTimeout", ns3::TimeValue(ns3::MilliSeconds(kDelayedAck)));
    return socket;
}

// What ns-3's sockets let only those derived from them do.
class Inside : public ns3::TcpSocketBase {
public:
    static void reset(ns3::TcpSocketBase& socket) { (socket.*&Inside::SendRST)(); }  // there is no abort

    // Once so much is under way as the receiver's window holds, ns-3 asks itself for a segment of no octets, and
    // crashes on it. The window of such a moment is told one octet smaller, which ends the search for something to
    // send.
    static void keep_within_window(ns3::TcpSocketBase& socket) {
        socket.GetTxBuffer()->SetRWndCallback(ns3::Callback<std::uint32_t>([raw = &socket] {
            const auto& buffer = *raw->GetTxBuffer();
            const auto window = (raw->*&Inside::GetRWnd)();
            const auto sent =
                buffer.BytesInFlight() + buffer.GetSacked() + buffer.GetLost() - buffer.GetRetransmitsCount();
            return window > 0 && window == sent ? window - 1 : window;
        }));
    }

    // ns-3 does not tell of room that reading has made: whoever was told of none, or little, would wait for a timer.
    static void tell_room(ns3::TcpSocketBase& socket) {
        if ((socket.*&Inside::m_advWnd).Get() < kBufferSize / 2)
            (socket.*
             static_cast<void (ns3::TcpSocketBase::*)(std::uint8_t)>(&Inside::SendEmptyPacket))(ns3::TcpHeader::ACK);
    }
};

class TcpCore final : public std::enable_shared_from_this<TcpCore> {
public:
    TcpCore(std::shared_ptr<World> world, ns3::Ptr<ns3::Socket> socket, bool connected)
        : world_(std::move(world)), socket_(std::move(socket)), connected_(connected) {}

    // Callbacks hold the core weakly: ns-3 keeps a socket long after its owner has let go.
    void listen_to_socket() {
        Inside::keep_within_window(static_cast<ns3::TcpSocketBase&>(*socket_));
        const auto on = [this](void (TcpCore::*handler)()) {
            return ns3::Callback<void, ns3::Ptr<ns3::Socket>>([weak = weak_from_this(), handler](auto) {
                if (const auto core = weak.lock()) core->later(handler);
            });
        };
        const auto trace = [this](const char* name,
                                  void (TcpCore::*handler)(const ns3::Packet&, const ns3::TcpHeader&)) {
            using Trace = ns3::Callback<void, ns3::Ptr<const ns3::Packet>, const ns3::TcpHeader&,
                                        ns3::Ptr<const ns3::TcpSocketBase>>;
            socket_->TraceConnectWithoutContext(
                name, Trace([weak = weak_from_this(), handler](auto packet, const auto& header, auto) {
                    if (const auto core = weak.lock()) ((*core).*handler)(*packet, header);
                }));
        };
        trace("Tx", &TcpCore::sent);
        trace("Rx", &TcpCore::seen);
        socket_->SetConnectCallback(on(&TcpCore::connected), on(&TcpCore::refused));
        socket_->SetRecvCallback(on(&TcpCore::readable));
        socket_->SetCloseCallbacks(on(&TcpCore::closed_by_peer), on(&TcpCore::reset_by_peer));
        socket_->SetSendCallback(
            ns3::Callback<void, ns3::Ptr<ns3::Socket>, std::uint32_t>([weak = weak_from_this()](auto, auto) {
                if (const auto core = weak.lock()) core->later(&TcpCore::writable);
            }));
    }

    Endpoint local() const { return address_of(&ns3::Socket::GetSockName); }
    Endpoint remote() const { return address_of(&ns3::Socket::GetPeerName); }

    void set_callbacks(TcpStream::Callbacks callbacks) {
        callbacks_ = std::make_shared<TcpStream::Callbacks>(std::move(callbacks));
        if (!world_->alive()) return;
        world_->call_soon([weak = weak_from_this()] {  // what came before somebody listened
            if (const auto core = weak.lock()) core->catch_up();
        });
    }

    std::size_t write(ByteView bytes) {
        if (!usable() || closing_) return 0;
        const World::Calling calling{*world_};
        const auto taken = std::min<std::size_t>(bytes.size(), socket_->GetTxAvailable());
        if (taken > 0 && socket_->Send(packet_of(bytes.first(taken))) < 0) return 0;
        blocked_ = blocked_ || taken < bytes.size();
        return taken;
    }

    std::uint64_t retransmissions() const { return retransmissions_; }

    void set_reading(bool reading) {
        if (std::exchange(reading_, reading) == reading || !reading || !world_->alive()) return;
        world_->call_soon([weak = weak_from_this()] {
            if (const auto core = weak.lock()) core->catch_up();
        });
    }

    void close() {
        if (!usable() || closing_) return;
        const World::Calling calling{*world_};
        closing_ = true;
        socket_->Close();
    }

    void abandon() {
        callbacks_.reset();
        if (!usable()) return;
        ended_ = true;
        const World::Calling calling{*world_};
        Inside::reset(static_cast<ns3::TcpSocketBase&>(*socket_));
    }

private:
    bool usable() const { return world_->alive() && !ended_; }

    Endpoint address_of(int (ns3::Socket::*getter)(ns3::Address&) const) const {
        ns3::Address address;
        if (!world_->alive() || ((*socket_).*getter)(address) != 0) return {};
        return from_ns3(address);
    }

    void later(void (TcpCore::*handler)()) {
        if (!world_->calling()) return (this->*handler)();
        world_->call_soon([weak = weak_from_this(), handler] {
            if (const auto core = weak.lock()) ((*core).*handler)();
        });
    }

    void sent(const ns3::Packet& segment, const ns3::TcpHeader& header) {
        if (segment.GetSize() == 0) return;
        const auto end = header.GetSequenceNumber() + segment.GetSize();
        if (end > sent_up_to_) {
            sent_up_to_ = end;
        } else {
            ++retransmissions_;
        }
    }

    // Before ns-3 acts on it. It does not act on the refusal of a SYN, and would go on asking.
    void seen(const ns3::Packet&, const ns3::TcpHeader& header) {
        if ((header.GetFlags() & ns3::TcpHeader::RST) == 0) return;
        reset_seen_ = true;
        const bool refusal = !connected_ && (header.GetFlags() & ns3::TcpHeader::ACK) != 0 &&
                             header.GetAckNumber() == ns3::SequenceNumber32(1);
        if (!refusal) return;
        world_->call_soon([weak = weak_from_this()] {
            if (const auto core = weak.lock()) core->refused();
        });
    }

    void connected() {
        connected_ = true;
        if (const auto callbacks = callbacks_; callbacks && callbacks->connected) callbacks->connected();
    }

    void readable() {
        const auto self = shared_from_this();
        bool read = false;
        while (callbacks_ && usable() && reading_) {
            const auto callbacks = callbacks_;
            const auto packet = socket_->Recv();
            if (!packet || packet->GetSize() == 0) break;
            read = true;
            if (callbacks->received) callbacks->received(bytes_of(packet, buffer_));
        }
        if (!read || !usable() || peer_closed_) return;
        const World::Calling calling{*world_};
        Inside::tell_room(static_cast<ns3::TcpSocketBase&>(*socket_));
    }

    void writable() {
        if (!blocked_ || !usable() || socket_->GetTxAvailable() == 0) return;
        blocked_ = false;
        if (const auto callbacks = callbacks_; callbacks && callbacks->writable) callbacks->writable();
    }

    void refused() {
        if (!usable()) return;
        end("connection failed: refused, or no answer");
        const World::Calling calling{*world_};
        socket_->Close();
    }

    void reset_by_peer() { end("connection lost: reset by the peer, or no answer"); }

    // ns-3 reports a reset in the same way.
    void closed_by_peer() {
        if (reset_seen_) return reset_by_peer();
        peer_closed_ = true;
        finish();
    }

    // The peer has no more to say: closes our side too, once all has been read.
    void finish() {
        const auto self = shared_from_this();
        readable();
        if (!usable() || !callbacks_ || !reading_) return;
        const World::Calling calling{*world_};
        if (!closing_) socket_->Close();
        end("");
    }

    // Says so now, or as soon as somebody listens.
    void end(std::string why) {
        if (!outcome_) outcome_ = std::move(why);
        ended_ = true;
        report();
    }

    void report() {
        if (!outcome_ || !callbacks_ || reported_) return;
        if (world_->calling()) return later(&TcpCore::report);
        reported_ = true;
        const auto self = shared_from_this();
        const auto callbacks = std::move(callbacks_);
        if (callbacks->closed) callbacks->closed(*outcome_);
    }

    void catch_up() {
        const auto self = shared_from_this();
        if (peer_closed_) {
            finish();
        } else {
            readable();
        }
        report();
    }

    std::shared_ptr<World> world_;
    ns3::Ptr<ns3::Socket> socket_;
    std::shared_ptr<TcpStream::Callbacks> callbacks_;
    std::optional<std::string> outcome_;
    bool connected_;  // the handshake is over
    bool reading_ = true;
    bool blocked_ = false;      // write() took less than it was given
    bool closing_ = false;      // close() was called
    bool peer_closed_ = false;  // its FIN has arrived
    bool reset_seen_ = false;
    bool ended_ = false;                // ns-3's socket is none of our business any more
    bool reported_ = false;             // closed() has been called
    ns3::SequenceNumber32 sent_up_to_;  // ns-3 counts from 0
    std::uint64_t retransmissions_ = 0;
    Bytes buffer_;
};

class SimTcpStream final : public TcpStream {
public:
    explicit SimTcpStream(std::shared_ptr<TcpCore> core) : core_(std::move(core)) {}
    ~SimTcpStream() override { core_->abandon(); }
    Endpoint local() const override { return core_->local(); }
    Endpoint remote() const override { return core_->remote(); }
    std::uint64_t retransmissions() const override { return core_->retransmissions(); }
    std::size_t write(ByteView bytes) override { return core_->write(bytes); }
    void close() override { core_->close(); }
    void set_reading(bool reading) override { core_->set_reading(reading); }
    void set_callbacks(Callbacks callbacks) override { core_->set_callbacks(std::move(callbacks)); }

private:
    std::shared_ptr<TcpCore> core_;
};

std::unique_ptr<TcpStream> make_stream(const std::shared_ptr<World>& world, const ns3::Ptr<ns3::Socket>& socket,
                                       bool connected) {
    auto core = std::make_shared<TcpCore>(world, socket, connected);
    core->listen_to_socket();
    return std::make_unique<SimTcpStream>(std::move(core));
}

class ListenerCore final : public std::enable_shared_from_this<ListenerCore> {
public:
    ListenerCore(std::shared_ptr<World> world, ns3::Ptr<ns3::Socket> socket)
        : world_(std::move(world)), socket_(std::move(socket)) {}

    void listen() {
        socket_->Listen();
        socket_->SetAcceptCallback(ns3::MakeNullCallback<bool, ns3::Ptr<ns3::Socket>, const ns3::Address&>(),
                                   ns3::Callback<void, ns3::Ptr<ns3::Socket>, const ns3::Address&>(
                                       [weak = weak_from_this()](ns3::Ptr<ns3::Socket> socket, const ns3::Address&) {
                                           if (const auto core = weak.lock()) core->accept(socket);
                                       }));
    }
    void on_accept(TcpListener::Acceptor acceptor) {
        acceptor_ = std::make_shared<TcpListener::Acceptor>(std::move(acceptor));
    }
    void close() {
        acceptor_.reset();
        if (world_->alive()) socket_->Close();
    }

private:
    void accept(const ns3::Ptr<ns3::Socket>& socket) {
        auto stream = make_stream(world_, socket, true);
        if (!world_->calling()) return hand_over(std::move(stream));
        auto kept =
            std::make_shared<std::unique_ptr<TcpStream>>(std::move(stream));  // a std::function must be copyable
        world_->call_soon([weak = weak_from_this(), kept] {
            if (const auto core = weak.lock()) core->hand_over(std::move(*kept));
        });
    }

    void hand_over(std::unique_ptr<TcpStream> stream) {
        const auto acceptor = acceptor_;
        if (acceptor && *acceptor) (*acceptor)(std::move(stream));  // else the stream's end resets the connection
    }

    std::shared_ptr<World> world_;
    ns3::Ptr<ns3::Socket> socket_;
    std::shared_ptr<TcpListener::Acceptor> acceptor_;
};

class SimTcpListener final : public TcpListener {
public:
    explicit SimTcpListener(std::shared_ptr<ListenerCore> core) : core_(std::move(core)) {}
    ~SimTcpListener() override { core_->close(); }
    void on_accept(Acceptor acceptor) override { core_->on_accept(std::move(acceptor)); }

private:
    std::shared_ptr<ListenerCore> core_;
};

}  // namespace

Result<std::unique_ptr<TcpListener>> open_tcp_listener(std::shared_ptr<World> world, IpStack& stack, Endpoint local) {
    if (!local.address.is_unspecified() && !stack.has_address(local.address)) {
        return fail(Fault::Refused, stack.name() + " does not own " + to_string(local.address));
    }
    const auto socket = make_socket(stack, kSegmentSize);
    if (socket->Bind(to_ns3(local)) != 0) {
        return fail(Fault::Refused, "TCP " + to_string(local) + " is taken on " + stack.name());
    }
    auto core = std::make_shared<ListenerCore>(std::move(world), socket);
    core->listen();
    return std::make_unique<SimTcpListener>(std::move(core));
}

Result<std::unique_ptr<TcpStream>> open_tcp_stream(std::shared_ptr<World> world, IpStack& stack, Endpoint remote) {
    if (!stack.route_to(remote.address)) {
        return fail(Fault::Io, stack.name() + " has no route to " + to_string(remote.address));
    }
    const auto fits = static_cast<std::uint32_t>(stack.mtu_towards(remote.address)) - kHeaders;
    const auto socket = make_socket(stack, std::min(kSegmentSize, fits));
    auto stream = make_stream(world, socket, false);
    const World::Calling calling{*world};
    if (socket->Bind() != 0 || socket->Connect(to_ns3(remote)) != 0) {
        return fail(Fault::Io, stack.name() + " cannot connect to " + to_string(remote));
    }
    return stream;
}

}  // namespace gatelab::sim
